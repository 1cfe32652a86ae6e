"""Facts without names, the ledger of what they add, the figures made of it, and returns.

Figures are exact and belong to their provider. The role `reporting_national` reads figures of all providers, when they
were last counted and how their returns stand, and no fact.
"""

from services.reporting.store.tables import CONSUMER, EXTRA_ROLES, METADATA, SOURCE

__all__ = ["CONSUMER", "EXTRA_ROLES", "METADATA", "SOURCE"]
