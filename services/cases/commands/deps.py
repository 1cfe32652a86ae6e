"""What commands need."""

from dataclasses import dataclass

from kit.clock import Clock
from kit.db import Database
from kit.ids import NewId
from services.cases.directory import Directory


@dataclass(frozen=True)
class Deps:
    """What commands need."""

    database: Database
    clock: Clock
    directory: Directory
    new_id: NewId
    student_hash_key: bytes
