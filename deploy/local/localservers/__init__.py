"""Real servers for development, tests and CI, run as ordinary processes with the standard library only."""
