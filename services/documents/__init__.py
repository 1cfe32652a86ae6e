"""Files of a case: kept, scanned, handed out only to those who may see the case."""
