"""What has to become of each row of `deploy/demo/requests.csv`, known beforehand."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "demo" / "requests.csv"

# Row, from 1 → the column that is at fault, one rule each (see deploy/demo/make_requests.py).
_FAULTY = {
    17: "date_of_birth",
    31: "nsn",
    48: "present_half_days",
    60: "school_number",
    77: "given_names",
    93: "year_level",
    110: "caregiver_email",
    128: "caregiver_name",
    146: "term",
    163: "caregiver_phone",
    181: "concern",
}
_REPEATED = {200}
ROWS = 200
FRESH = ROWS - len(_FAULTY) - len(_REPEATED)


@dataclass(frozen=True, slots=True)
class Expected:
    """The file and what is to become of it. Lines count from 1, the header being line 1."""

    content: bytes
    school_number: str
    faulty: dict[int, str]
    """Line → column at fault."""
    repeated: tuple[int, ...]
    lines: tuple[int, ...]


def read_expected() -> Expected:
    """Read the file and count its lines as a person's editor does."""
    content = FILE.read_bytes()
    text = content.decode("utf-8-sig")
    reader = csv.reader(io.StringIO(text))
    header = next(reader)
    lines, numbers = [], []
    line = reader.line_num + 1
    for cells in reader:
        lines.append(line)
        numbers.append(cells[header.index("school_number")])
        line = reader.line_num + 1
    return Expected(
        content=content,
        school_number=max(set(numbers), key=numbers.count),
        faulty={lines[row - 1]: column for row, column in _FAULTY.items()},
        repeated=tuple(lines[row - 1] for row in sorted(_REPEATED)),
        lines=tuple(lines),
    )
