"""The Chinese fonts that every document and chart is drawn with, and what they can print.

Both faces come in the wheel pylopdf-fonts-zh-cn (SIL Open Font License 1.1), so a document looks the same on every
machine; fonts of the system are never used.
"""

import struct
import unicodedata
from functools import cache
from pathlib import Path

import pylopdf_fonts_zh_cn

SANS = "Noto Sans SC"
SERIF = "Noto Serif SC"
FONT_FOLDER = Path(pylopdf_fonts_zh_cn.sans_path()).parent

_SUBSCRIPTS = {chr(0x2080 + digit) for digit in range(10)}
_UNSEEN = {"Cc", "Cf", "Co", "Cs"}
_GROUPS_FORMAT = 12


@cache
def printable_code_points() -> frozenset[int]:
    """Give the code points that the sans face has a glyph for, from its cmap table (format 12).

    A PDF/A file may not hold a glyph that no font has, so text is checked before it is set.
    """
    content = Path(pylopdf_fonts_zh_cn.sans_path()).read_bytes()
    (table_count,) = struct.unpack_from(">H", content, 4)
    offsets = {
        content[12 + 16 * index : 16 + 16 * index]: struct.unpack_from(">I", content, 20 + 16 * index)[0]
        for index in range(table_count)
    }
    start = offsets[b"cmap"]
    (subtable_count,) = struct.unpack_from(">H", content, start + 2)
    points: set[int] = set()
    for index in range(subtable_count):
        (offset,) = struct.unpack_from(">I", content, start + 8 + 8 * index)
        (table_format,) = struct.unpack_from(">H", content, start + offset)
        if table_format != _GROUPS_FORMAT:
            continue
        (group_count,) = struct.unpack_from(">I", content, start + offset + 12)
        for group in range(group_count):
            first, last, _glyph = struct.unpack_from(">III", content, start + offset + 16 + 12 * group)
            points.update(range(first, last + 1))
    return frozenset(points)


def printable(text: str) -> str:
    """Give the text with every character that cannot be printed written as its code point: 〔U+1F600〕.

    Line feeds stay and tabs become spaces; other control and direction characters, which would let a text look like
    another, are written out too. Subscript digits stay: each renderer sets them in its own way.
    """
    points = printable_code_points()
    pieces: list[str] = []
    for character in text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "):
        has_glyph = ord(character) in points and unicodedata.category(character) not in _UNSEEN
        if has_glyph or character == "\n" or character in _SUBSCRIPTS:
            pieces.append(character)
        else:
            pieces.append(f"〔U+{ord(character):04X}〕")
    return "".join(pieces)
