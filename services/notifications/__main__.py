"""`python -m services.notifications [rpc|worker|all]`."""

from kit.config import load
from kit.service import main
from services.notifications.app import Settings, build

main("notifications", lambda: build(load(Settings)))
