"""Files that come with a package: its parameters and its decision tables, side by side in `parameters/`."""

import tomllib
from collections.abc import Iterator
from importlib.resources import files


def toml_texts(package: str, *, header: str) -> Iterator[tuple[str, str]]:
    """Give name and text of a package's `parameters/*.toml` that have blocks under a header, by name.

    Files with other blocks beside them are their packages' own.
    """
    folder = files(package).joinpath("parameters")
    if not folder.is_dir():
        return
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            text = file.read_text(encoding="utf-8")
            if header in tomllib.loads(text):
                yield f"{package}/parameters/{file.name}", text
