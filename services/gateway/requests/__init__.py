"""Requests for support."""
