"""Generate Python modules from the contracts: `python proto/build.py`.

Reads ``proto/ascms/**/*.proto`` and writes modules importable as ``ascms.<service>.v1`` to ``proto/gen`` (git-ignored),
with type stubs where the mypy plug-ins are installed. Exits with protoc's status.
"""

import shutil
import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).parent
OUT = ROOT / "gen"


def main() -> int:
    """Compile every contract; return protoc's exit status."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    sources = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "ascms").rglob("*.proto"))
    # The google.api modules come from googleapis-common-protos; only the .proto text is kept here.
    arguments = [
        "protoc",
        f"--proto_path={ROOT}",
        f"--proto_path={ROOT / 'third_party'}",
        f"--proto_path={files('grpc_tools') / '_proto'}",
        f"--python_out={OUT}",
        f"--grpc_python_out={OUT}",
        f"--descriptor_set_out={OUT / 'descriptors.binpb'}",
        "--include_imports",
        "--include_source_info",
    ]
    scripts = Path(sys.executable).parent
    if (scripts / "protoc-gen-mypy").exists():
        arguments += [
            f"--plugin=protoc-gen-mypy={scripts / 'protoc-gen-mypy'}",
            f"--plugin=protoc-gen-mypy_grpc={scripts / 'protoc-gen-mypy_grpc'}",
            f"--mypy_out=quiet:{OUT}",
            f"--mypy_grpc_out=quiet:{OUT}",
        ]
    status: int = protoc.main([*arguments, *sources])
    if status:
        return status
    for folder in {(OUT / source).parent for source in sources}:
        (folder / "__init__.py").touch()
    (OUT / "ascms" / "__init__.py").touch()
    (OUT / "ascms" / "py.typed").touch()
    # Inside the package too, so that an installed gateway finds the comments that its API's description is made of.
    shutil.copy(OUT / "descriptors.binpb", OUT / "ascms" / "descriptors.binpb")
    for package in (OUT / "ascms").iterdir():
        if package.is_dir():
            (package / "__init__.py").touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
