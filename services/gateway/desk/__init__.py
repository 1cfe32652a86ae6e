"""The service desk's page: why someone cannot get in."""
