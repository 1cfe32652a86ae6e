"""Guidance: help where the work is, in both languages, and its editing by the ministry."""
