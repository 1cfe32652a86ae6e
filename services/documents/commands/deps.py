"""What commands need."""

from dataclasses import dataclass

from kit.clock import Clock
from kit.db import Database
from kit.ids import NewId
from kit.objects import ObjectStore


@dataclass(frozen=True)
class Deps:
    """What the verbs work with."""

    database: Database
    objects: ObjectStore
    clock: Clock
    new_id: NewId
