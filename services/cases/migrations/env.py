"""Runs the migrations of cases."""

from kit.migrations import run_environment
from services.cases.store import METADATA

run_environment(METADATA)
