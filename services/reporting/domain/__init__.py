"""What reporting knows without asking anyone: quarters, facts, indicators, and the life of a return."""
