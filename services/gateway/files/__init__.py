"""Files of a case: put in, had, described, taken out."""
