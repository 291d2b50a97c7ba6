"""Files to take away: documents and tables with a name that is safe in any header."""

import re
import unicodedata
from urllib.parse import quote

from litestar.response import Response

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv"  # the framework adds the charset
JSON = "application/json"
JSON_LINES = "application/x-ndjson"
TOML = "application/toml"
_MEDIA_TYPES = {"pdf": PDF, "docx": DOCX, "xlsx": XLSX, "csv": CSV, "json": JSON, "jsonl": JSON_LINES, "toml": TOML}
_UNSAFE = re.compile(r"[\\/:*?\"<>|\x00-\x1f\x7f]+")
_NAME_LENGTH_MAX = 120


def file_name(stem: str, ending: str) -> str:
    """Give a file name no system refuses: path signs and control characters become a hyphen.

    Raises:
        ValueError: The ending is none of pdf, docx, xlsx, csv, json, jsonl, toml.
    """
    if ending not in _MEDIA_TYPES:
        message = f"no file type {ending!r}"
        raise ValueError(message)
    plain = _UNSAFE.sub("-", unicodedata.normalize("NFC", stem)).strip(" .-")[:_NAME_LENGTH_MAX]
    return f"{plain or 'download'}.{ending}"


def download(content: bytes, *, stem: str, ending: str, inline: bool = False) -> Response[bytes]:
    """Answer with a file to keep; `inline` lets a browser show it.

    The name stands in both forms of RFC 6266: plain for old readers, UTF-8 for Chinese.
    """
    name = file_name(stem, ending)
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in name)
    disposition = "inline" if inline else "attachment"
    return Response(
        content,
        media_type=_MEDIA_TYPES[ending],
        headers={
            "Content-Disposition": f"{disposition}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
            "Cache-Control": "private, no-store",
        },
    )


def csv_text(rows: list[list[str]]) -> bytes:
    """Write rows as CSV for spreadsheets: with a byte-order mark, and no cell that acts as a formula.

    A cell that starts with `=`, `+`, `@`, a tab or a return gets an apostrophe in front; so does a `-` before anything
    but a plain number.
    """
    return "﻿".encode() + "".join(",".join(_cell(cell) for cell in row) + "\r\n" for row in rows).encode()


_PLAIN_NEGATIVE = re.compile(r"-[0-9]+(\.[0-9]+)?")


def _cell(text: str) -> str:
    acts = text.startswith(("=", "+", "@", "\t", "\r")) or (
        text.startswith("-") and not _PLAIN_NEGATIVE.fullmatch(text)
    )
    shown = f"'{text}" if acts else text
    return f'"{shown.replace(chr(34), chr(34) * 2)}"' if re.search(r'[",\r\n]', shown) else shown
