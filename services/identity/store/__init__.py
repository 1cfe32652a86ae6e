"""Identity's rows: tables, and functions that find, insert, update and list in a transaction, and never commit."""

from services.identity.store import machines, organisations, people, signing, signins
from services.identity.store.tables import EXTRA_ROLES, METADATA

__all__ = ["EXTRA_ROLES", "METADATA", "machines", "organisations", "people", "signing", "signins"]
