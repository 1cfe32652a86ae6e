"""`python -m services.documents [rpc|worker|all]`."""

from kit.config import load
from kit.service import main
from services.documents.app import Settings, build

main("documents", lambda: build(load(Settings)))
