"""gRPC servers and clients as every service uses them: who calls, what is allowed, what went wrong."""

from kit.rpc.client import Backend, Channels
from kit.rpc.server import Call, read, serve, write

__all__ = ["Backend", "Call", "Channels", "read", "serve", "write"]
