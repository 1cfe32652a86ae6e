"""Letters to whānau."""
