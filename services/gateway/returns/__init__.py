"""Returns to the ministry."""
