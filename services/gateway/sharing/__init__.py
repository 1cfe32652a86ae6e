"""What a provider shared with a school."""
