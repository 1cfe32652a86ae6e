"""Who is calling, which organisations exist, who works where, and the tokens that carry it."""
