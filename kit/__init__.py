"""Plumbing that knows no domain word: what every service is built on."""
