"""What commands need from outside."""

from collections.abc import Callable
from dataclasses import dataclass, field

from kit.clock import Clock
from kit.db import Database
from kit.ids import NewId
from services.identity.secrets import MasterSecret, Passphrases, new_secret


@dataclass(frozen=True)
class Deps:
    """Constructed once, in `app.build` or `web.create_app`."""

    database: Database
    clock: Clock
    new_id: NewId
    secret: MasterSecret
    passphrases: Passphrases
    new_secret: Callable[[], str] = field(default=new_secret)
