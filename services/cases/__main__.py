"""`python -m services.cases [rpc|worker|all]`."""

from kit.config import load
from kit.service import main
from services.cases.app import Settings, build

if __name__ == "__main__":
    main("cases", lambda: build(load(Settings)))
