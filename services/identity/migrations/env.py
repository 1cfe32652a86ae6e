"""Runs identity's migrations."""

from kit.migrations import run_environment
from services.identity.store import METADATA

run_environment(METADATA)
