"""Notices to people: what they were told, and whether it arrived."""
