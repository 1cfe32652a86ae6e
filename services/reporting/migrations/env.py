"""Alembic's entry: the same for every service."""

from kit.migrations import run_environment
from services.reporting.store import METADATA

run_environment(METADATA)
