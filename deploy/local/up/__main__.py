"""Starts the whole system on this machine; `make up` runs it. Any Python parses this file: an old one says so."""

import sys

_NEEDED = (3, 11)

if sys.version_info < _NEEDED:
    sys.exit(
        "ascms needs Python 3.11 or later and this is %d.%d (%s): install one, or name it: make up PYTHON=python3.11"  # noqa: UP031 - an old Python knows no other
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )

from pathlib import Path  # noqa: E402 - an old Python has none

# The folder of this file is first on the path, where its modules would hide others of the same name.
sys.path[0] = str(Path(__file__).resolve().parents[3])

from deploy.local.up.cli import main  # noqa: E402 - it needs the path

sys.exit(main(sys.argv[1:]))
