"""What the scripts of this folder share; Python's standard library only."""

import importlib.util
import os
import sys
from pathlib import Path

ZOO = Path(__file__).resolve().parent
DATA = ZOO / "data"


class UserError(Exception):
    """Something the user can put right; the text says what and how."""


def need(*modules):
    """End in one line, before a traceback does it, if a package is missing."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        print(
            f"{Path(sys.argv[0]).name}: error: Python packages missing: {', '.join(missing)}; "
            "run `pip install -r requirements.txt` in models/zoo",
            file=sys.stderr,
        )
        sys.exit(2)


def run(main):
    """Run `main`; a UserError or a full disk ends in one line and exit code 2."""
    try:
        main()
    except (UserError, OSError) as error:
        print(f"{Path(sys.argv[0]).name}: error: {error}", file=sys.stderr)
        sys.exit(2)


def write_then_rename(path, write):
    """Let `write(file)` fill a neighbour of `path`, then rename it.

    An interrupted run so never leaves half a file under the final name.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            write(file)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
