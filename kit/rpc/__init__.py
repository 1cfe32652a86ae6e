"""gRPC as every service uses it: `server` (who calls, what is allowed), `client` (deadlines, errors as raised).

Nothing is gathered here: who only calls must not load what only a server needs, which is the database.
"""
