"""The register as its keepers see it: organisations, catchments, and the file of both."""
