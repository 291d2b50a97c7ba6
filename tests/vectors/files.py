"""Vector files as read: parsed content, and the tolerance their folder's README asks for."""

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from tests.vectors.comparison import DEFAULT_TOLERANCE, Tolerance

_XML_SUFFIXES = {".xml", ".dmn"}
_TEXT_SUFFIXES = {".json", ".toml", ".csv", *_XML_SUFFIXES}
_DESCRIPTIONS = {".md", ".txt"}
_NUMBER = re.compile(r"(?P<kind>abs|rel)?\s*(?P<value>\d+(?:\.\d+)?e-\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorFile:
    """One file: its content where it is JSON, TOML or XML (the root element), its text otherwise."""

    path: Path
    content: Any
    text: str
    tolerance: Tolerance

    @property
    def keys(self) -> frozenset[str]:
        """What stands at the top: keys, or the names of the elements below the root."""
        if isinstance(self.content, ET.Element):
            return frozenset(map(local_name, self.content))
        return frozenset(self.content) if isinstance(self.content, dict) else frozenset()

    def has(self, *keys: str) -> bool:
        """Whether the file has all these keys at its top."""
        return self.keys.issuperset(keys)


def local_name(element: ET.Element) -> str:
    """Give an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def vector_files(folder: Path) -> list[Path]:
    """Give every file under a folder that is not a description."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in _DESCRIPTIONS and not path.name.startswith(".")
    )


def read_vector_file(path: Path) -> VectorFile:
    """Read a file; JSON, TOML and XML are parsed.

    Raises:
        ValueError: The text does not parse.
    """
    text = path.read_text(encoding="utf-8") if path.suffix in _TEXT_SUFFIXES else ""
    content: Any = None
    if path.suffix == ".json":
        content = json.loads(text)
    elif path.suffix == ".toml":
        content = tomllib.loads(text)
    elif path.suffix in _XML_SUFFIXES:
        content = _xml(text)
    return VectorFile(path=path, content=content, text=text, tolerance=_tolerance_of(path, content))


def _xml(text: str) -> ET.Element:
    try:
        # Whoever runs the command names the folder; expat itself refuses entities that grow without end.
        return ET.fromstring(text.encode())  # noqa: S314 - see above
    except ET.ParseError as error:
        raise ValueError(str(error)) from error


def _tolerance_of(path: Path, content: object) -> Tolerance:
    """Take the file's own tolerance, else its README's, else 1e-9 relative."""
    if isinstance(content, dict):
        for key in ("tolerance", "tol"):
            stated = content.get(key)
            if isinstance(stated, int | float) and not isinstance(stated, bool):
                return Tolerance(value=float(stated), is_absolute=False, source="file")
            if isinstance(stated, str) and (found := _NUMBER.search(stated)):
                return _of_match(found, source="file")
    readme = path.parent / "README.md"
    if readme.is_file():
        for line in readme.read_text(encoding="utf-8").splitlines():
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if len(cells) > 1 and cells[0] == path.name and (found := _NUMBER.search(cells[-1])):
                return _of_match(found, source="README")
    return DEFAULT_TOLERANCE


def _of_match(found: re.Match[str], *, source: str) -> Tolerance:
    return Tolerance(value=float(found["value"]), is_absolute=found["kind"] == "abs", source=source)
