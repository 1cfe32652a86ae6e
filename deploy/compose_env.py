"""`python deploy/compose_env.py > deploy/.env`: secrets of your own for compose.yaml, made up anew each time."""

import hashlib
import hmac
import secrets
import sys

SERVICES = ("cases", "documents", "reporting", "notifications")


def main() -> None:
    """Print the file."""
    service_secret = secrets.token_hex(32)
    lines = {
        "SERVICE_SECRET": service_secret,
        **{
            name: secrets.token_hex(32)
            for name in ("IDENTITY_SECRET", "SESSION_SECRET", "CLIENT_SECRET", "STUDENT_HASH_KEY", "S3_SECRET")
        },
        # As identity reckons them: the hex HMAC-SHA256 of the service's name.
        **{
            f"CREDENTIAL_{name.upper()}": hmac.new(service_secret.encode(), name.encode(), hashlib.sha256).hexdigest()
            for name in ("identity", *SERVICES)
        },
    }
    sys.stdout.writelines(f"{name}={value}\n" for name, value in lines.items())


if __name__ == "__main__":
    main()
