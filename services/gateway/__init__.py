"""The gateway: web pages for people and a REST API for programs, both in front of the services' gRPC."""
