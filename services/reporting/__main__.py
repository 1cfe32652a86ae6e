"""`python -m services.reporting [rpc|worker|all]`."""

from kit.config import load
from kit.service import main
from services.reporting.app import Settings, build

main("reporting", lambda: build(load(Settings)))
