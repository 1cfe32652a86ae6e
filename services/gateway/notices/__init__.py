"""What people were told, and how they want it."""
