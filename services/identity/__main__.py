"""`python -m services.identity [rpc|worker|all]`."""

from kit.config import load
from kit.service import main
from services.identity.app import Settings, build

if __name__ == "__main__":
    main("identity", lambda: build(load(Settings)))
