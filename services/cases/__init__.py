"""Requests for support, the cases they become, and what happens in them."""
