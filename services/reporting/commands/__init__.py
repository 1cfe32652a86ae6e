"""What people do with returns, and what falls due. Each function is one transaction."""
