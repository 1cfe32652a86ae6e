"""Makes `requests.csv`, the file of requests for support that the demo's school imports: `python make_requests.py`.

200 rows about people who do not exist, and plainly so. 188 are good, one repeats an earlier row, and 11 each break one
rule (`FAULTS`). No randomness: the same file each time.
"""

import csv
from datetime import date, timedelta
from pathlib import Path

TARGET = Path(__file__).parent / "requests.csv"
SCHOOL_NUMBER = "0417"
ROWS = 200

COLUMNS = (
    *("school_number", "nsn", "given_names", "family_name", "preferred_name", "date_of_birth", "year_level", "gender"),
    *("caregiver_name", "caregiver_relationship", "caregiver_phone", "caregiver_email", "safe_to_contact"),
    *("term", "present_half_days", "total_half_days", "concern", "steps_tried"),
)

# Birds and things, in both languages: nobody's names.
GIVEN = (
    *(
        "Tūī",
        "Kererū",
        "Pīwakawaka",
        "Ruru",
        "Kākā",
        "Mōhua",
        "Tīeke",
        "Kōkako",
        "Hōiho",
        "Pūkeko",
        "Tōroa",
        "Kārearea",
    ),
    *("Teapot", "Lantern", "Umbrella", "Button", "Kettle", "Marble", "Ladder", "Biscuit", "Tēpu", "Pēke"),
)
FAMILY = (
    *("Testperson", "O'Demo", "Sample-Row", "Ngā Tauira", "Whakamātau", "D'Example", "Made Up", "Te Kore Noa"),
    *("Placeholder", "McFictional", "Pepa-Tauira"),
)
CAREGIVERS = (
    ("Koro Demo", "koro"),
    ("Nanny", "nan"),
    ("Māmā Tauira", "mother"),
    ("Pāpā", "father"),
    ("Auntie Sample", "aunt"),
    ("Matua O'Demo", "uncle"),
)
CONCERNS = (
    "Away most mornings; nobody answers the phone.",
    'Says "the bus never comes", and stays home.',
    "Has not come since the whānau moved.\nThe old address is empty.",
    "Anxious about school, wants to come, cannot get through the gate.",
    "Looks after younger siblings on work days.",
)
STEPS = ("Called home, sent a letter.", "Hui with whānau; late start agreed.", "", "Talked with the student, twice.")

# Row, from 1 → the cells that make it wrong, one rule each.
FAULTS = {
    17: {"date_of_birth": "2012-13-40"},
    31: {"nsn": "12E4567890"},
    48: {"present_half_days": "99", "total_half_days": "80"},
    60: {"school_number": "9981"},
    77: {"given_names": "  "},
    93: {"year_level": "15"},
    110: {"caregiver_name": "Koro Demo", "caregiver_email": "koro at example"},
    128: {"caregiver_name": "", "caregiver_phone": "021 000 0128"},
    146: {"term": "Term 3"},
    163: {"caregiver_name": "Nanny", "caregiver_phone": "ask at the office"},
    181: {"concern": ""},
}
# Row → the earlier row that it repeats.
REPEATS = {200: 12}

# How often a good row is special: every how many rows, beginning with which.
MONONYM, PREFERRED, WITHOUT_NSN, WITHOUT_CAREGIVER, WITH_EMAIL = (21, 8), (17, 2), (9, 4), (13, 5), (5, 1)


def rows() -> list[dict[str, str]]:
    """The rows below the header, in order."""
    made = [row(number) for number in range(ROWS)]
    for number, cells in FAULTS.items():
        made[number - 1] |= cells
    for number, earlier in REPEATS.items():
        made[number - 1] = dict(made[earlier - 1])
    return made


def row(number: int) -> dict[str, str]:
    """A good row."""
    year_level = number % 14
    born_on = date(2021, 2, 20) - timedelta(days=round(year_level * 365.25) + number % 97)
    caregiver, relationship = CAREGIVERS[number % len(CAREGIVERS)]
    has_caregiver = not _is(number, WITHOUT_CAREGIVER)
    given, family = GIVEN[number % len(GIVEN)], FAMILY[number % len(FAMILY)]
    total = 60 + 2 * (number % 20)
    return {
        "school_number": SCHOOL_NUMBER,
        "nsn": "" if _is(number, WITHOUT_NSN) else f"{12345 + number * 7919:010d}"[-10 + number % 2 :],
        "given_names": given if number % 3 else f"{given} {GIVEN[(number * 5 + 3) % len(GIVEN)]}",
        "family_name": "" if _is(number, MONONYM) else f"{family} {_word(number)}",
        "preferred_name": "Kā" if _is(number, PREFERRED) else "",
        "date_of_birth": born_on.isoformat(),
        "year_level": str(year_level),
        "gender": ("female", "male", "", "another")[number % 4],
        "caregiver_name": caregiver if has_caregiver else "",
        "caregiver_relationship": relationship if has_caregiver else "",
        "caregiver_phone": f"021 000 {number:04d}" if has_caregiver and number % 4 else "",
        "caregiver_email": f"caregiver{number}@example.nz" if has_caregiver and _is(number, WITH_EMAIL) else "",
        "safe_to_contact": ("yes", "no", "")[number % 3] if has_caregiver else "",
        "term": "2026-T1",
        "present_half_days": str(total * (20 + number % 50) // 100),
        "total_half_days": str(total),
        "concern": CONCERNS[number % len(CONCERNS)],
        "steps_tried": STEPS[number % len(STEPS)],
    }


def _is(number: int, special: tuple[int, int]) -> bool:
    every, first = special
    return number % every == first


def _word(number: int) -> str:
    """A second family name, so that no two rows are of one student."""
    letters = "aeiou"
    return f"{'KMNPRT'[number % 6]}{letters[number // 6 % 5]}{'kmnprt'[number // 30 % 6]}{letters[number % 5]}"


def main() -> None:
    """Write the file."""
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows())


if __name__ == "__main__":
    main()
