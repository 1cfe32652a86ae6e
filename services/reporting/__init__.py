"""Figures for providers and the ministry: counted as events come, without a name."""
