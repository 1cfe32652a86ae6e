"""The REST API: every RPC with a route in its contract, transcoded. Nothing here names an operation."""

from services.gateway.api.blueprint import init_api

__all__ = ["init_api"]
