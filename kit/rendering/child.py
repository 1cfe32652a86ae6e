"""The child process of kit.rendering: a question as JSON on stdin, the PDF on stdout, what is wrong on stderr.

Run by path and isolated (`python -I`), so that it starts in a tenth of a second and imports nothing of ours.
"""

import json
import resource
import sys
import tempfile
from pathlib import Path

import typst

_MOST_MEMORY = 2 * 1024**3  # of addresses, not of pages: Typst maps fonts and threads generously
_MOST_PROCESSOR_SECONDS = 20


def main() -> int:
    """Answer the one question; 0, or 1 with the reason."""
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST_PROCESSOR_SECONDS, _MOST_PROCESSOR_SECONDS))
    question = json.load(sys.stdin.buffer)
    with tempfile.TemporaryDirectory() as empty:  # the only folder a template could read
        try:
            document = typst.compile(
                question["template"].encode(),
                root=empty,
                font_paths=[str(Path(__file__).parent / "fonts")],
                ignore_system_fonts=True,
                format="pdf",
                sys_inputs={"data": json.dumps(question["data"])},
                pdf_standards=["ua-1"],
                timestamp=question["created"],
                package_path=empty,
                package_cache_path=empty,
            )
        except typst.TypstError as error:
            sys.stderr.write("\n".join([error.message, *error.hints]))
            return 1
    sys.stdout.buffer.write(document)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
