"""The name a file is shown and handed back by: no path, no hidden signs, no more than one line of a list."""

import re
import unicodedata

from carbonfin.kernel.errors import InvalidInput

NAME_LENGTH_MAX = 120
_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})  # controls, bidi overrides, joiners, surrogates
_RESERVED = re.compile(r"[:*?\"<>|]+")
_SPACES = re.compile(r"\s+")
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)


def clean_name(given: str) -> str:
    """Give the name without path, hidden signs and what a file system refuses; the ending in small letters.

    Raises:
        InvalidInput: Nothing of a name is left, or it has no ending.
    """
    last = unicodedata.normalize("NFC", given).replace("\\", "/").rpartition("/")[2]
    shown = "".join(" " if sign in "\t\r\n" else sign for sign in last)
    shown = "".join(sign for sign in shown if unicodedata.category(sign) not in _HIDDEN)
    shown = _SPACES.sub(" ", _RESERVED.sub("-", shown)).strip(" .")
    stem, dot, ending = shown.rpartition(".")
    stem = stem.strip(" .")
    if not dot or not stem or not ending.isalnum() or not ending.isascii():
        raise InvalidInput(
            "the file's name has no stem or no ending",
            zh="文件名缺少名称或扩展名",
            field="file",
            remedy="Name the file, with the ending of its type, such as contract.pdf.",
            remedy_zh="请为文件命名并保留扩展名，例如 合同.pdf。",
        )
    if _DEVICE.match(f"{stem}."):
        stem = f"_{stem}"
    ending = ending.lower()
    return f"{stem[: NAME_LENGTH_MAX - len(ending) - 1].rstrip(' .')}.{ending}"


def ending_of(name: str) -> str:
    """Give the ending of a clean name, in small letters and without the dot."""
    return name.rpartition(".")[2].lower()
