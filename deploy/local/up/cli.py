"""`python3 deploy/local/up [up|install|seed|clean-state]`: install what is missing, then hand over to `.venv`."""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.local.up import install, options, state
from deploy.local.up.options import Complaint


def main(arguments: Sequence[str]) -> int:
    """Do what is asked; returns the exit status, with one clear line on standard error where it is not 0."""
    parser = argparse.ArgumentParser(prog="deploy/local/up", description="The whole system on this machine.")
    parser.add_argument("action", nargs="?", default="up", choices=["up", "install", "seed", "clean-state"])
    parser.add_argument("--dev", action="store_true", help="install what developers need as well")
    parser.add_argument("--cases", type=int, default=30_000, help="seed: how many requests are made up")
    asked = parser.parse_args(arguments)
    try:
        wanted = options.read()
        if asked.action == "clean-state":
            _forget(wanted.state)
            return 0
        install.install(for_development=asked.dev)
    except Complaint as complaint:
        print(f"ascms: {complaint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("ascms: stopped while installing; run it again to go on", file=sys.stderr)
        return 130
    module = {"up": ["deploy.local.up.run"], "seed": ["deploy.local.up.fill", "--cases", str(asked.cases)]}
    if asked.action in module:
        # The same process goes on with the packages it needs, so that signals find it.
        sys.stdout.flush()
        os.chdir(options.ROOT)
        os.execv(install.PYTHON, [str(install.PYTHON), "-m", *module[asked.action]])  # noqa: S606 - our own interpreter
    return 0


def _forget(folder: Path) -> None:
    """Delete the state folder, unless a running system lives in it; raises Complaint where it must not be deleted."""
    if not folder.exists():
        return
    if not state.is_ours(folder):
        raise Complaint(f"{folder} does not look like a state folder of ascms: delete it yourself if it is one")
    with state.held(folder):
        # As root below a private home the data lies elsewhere, and a link leads there.
        for postgres in (folder / "postgres", folder / "servers" / "postgres" / "postgres"):
            if postgres.is_symlink():
                shutil.rmtree(postgres.resolve().parent, ignore_errors=True)
        shutil.rmtree(folder)
    install.say(f"forgot everything in {folder}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
