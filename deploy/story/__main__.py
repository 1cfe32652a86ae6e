"""`make story [BASE_URL=…]`: drives the whole story over HTTP from outside, within two minutes."""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

import requests

from deploy.story.browser import Browser
from deploy.story.cast import read_cast
from deploy.story.report import Deviation, Steps
from deploy.story.rpc import read_inside
from deploy.story.spine import Spine

ROOT = Path(__file__).resolve().parents[2]
_LIMIT_SECONDS = 120.0


def main() -> int:
    """Tell the story; 0 when all of it was as it should be, 1 with what was expected and seen."""
    parser = argparse.ArgumentParser(prog="story")
    parser.add_argument("--base-url", default=os.environ.get("BASE_URL", ""), help="where the system is, if not here")
    parser.add_argument(
        "--state", type=Path, default=Path(os.environ.get("ASCMS_STATE") or ROOT / ".state"), help="holds demo.json"
    )
    asked = parser.parse_args()
    try:
        cast = read_cast(asked.state / "demo.json", base_url=asked.base_url)
    except (OSError, ValueError, KeyError) as error:
        print(f"story: {asked.state / 'demo.json'} cannot be read ({error}): run `make up` first", file=sys.stderr)
        return 1
    steps = Steps(limit_seconds=_LIMIT_SECONDS)
    try:
        # It may be reached by several names and send browsers to the one that its sessions belong to.
        cast = replace(cast, base_url=Browser(cast.base_url).get("/").origin)
        Spine(cast, read_inside(asked.state, base_url=cast.base_url), steps).tell()
    except Deviation as deviation:
        print(f"\nstory: {deviation}", file=sys.stderr)
        return 1
    except LookupError as error:
        print(f"\nstory: {error.args[0]}", file=sys.stderr)
        return 1
    except requests.RequestException as error:
        print(f"\nstory: the system does not answer ({error}): is `make up` running?", file=sys.stderr)
        return 1
    print(f"\nThe story is told: {steps.count} steps in {steps.seconds:.1f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
