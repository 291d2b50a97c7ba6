"""`python -m tests.vectors FOLDER`: run vector files and exit non-zero on any failure."""

import argparse
import sys
from pathlib import Path

from tests.vectors.running import run_folder


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 where nothing failed, 1 otherwise, 2 where there is nothing to run."""
    parser = argparse.ArgumentParser(prog="python -m tests.vectors", description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder of vector files, searched to the bottom")
    folder = parser.parse_args(arguments).folder
    try:
        failures = run_folder(folder, write=lambda line: print(line, flush=True))  # noqa: T201 - a command's output
    except NotADirectoryError as missing:
        print(f"{missing} is not a folder", file=sys.stderr)  # noqa: T201
        return 2
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
