"""What is taken as evidence: a closed list of types, told by content and structure, agreeing with the file's name.

Nothing is run, rendered or unpacked beyond stated bounds. What passes is handed back only as a file to keep.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import puremagic

from carbonfin.kernel.cryptography import sha256_hex, sm3_hex
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.files.names import clean_name, ending_of
from carbonfin.storage.files.office import (
    DOCX_NAME,
    OFD_NAME,
    XLSX_NAME,
    office_kind,
    refuse_acting_ofd,
    refuse_acting_office,
)
from carbonfin.storage.files.packages import open_package
from carbonfin.storage.files.pdfs import PDF_SIGN, refuse_acting_pdf
from carbonfin.storage.files.pictures import JPEG_SIGN, PNG_SIGN, require_jpeg, require_png
from carbonfin.storage.files.refusals import acting, damaged, refused
from carbonfin.storage.files.tables import refuse_acting_csv

FILE_BYTES_MAX = 20 * 1024 * 1024
MEDIA_TYPES: Mapping[str, str] = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "txt": "text/plain",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "ofd": "application/ofd",
}
"""The closed list, by ending; what is served back carries one of these and no other type."""

_TEXTS = frozenset({"txt", "csv"})
_MARKUP = re.compile(
    r"<\s*(!doctype|html|head|body|script|svg|iframe|object|embed|math|style|link|meta|img|form)\b|<\?|javascript:",
    re.IGNORECASE,
)
_SCRIPT = re.compile(r"#!|@echo\b|rem\s|powershell\b|wscript|function\s*\(|import\s+os\b", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFile:
    """A file that was looked at and may be kept; only `check_file` makes one."""

    name: str
    media_type: str
    content: bytes
    digest: str
    sm3_digest: str


def check_file(content: bytes, *, name: str) -> CheckedFile:
    """Look at a file somebody sends, and give it with clean name, type and digests.

    Args:
        content: The whole file.
        name: What the sender calls it; a path before it is dropped.

    Raises:
        InvalidInput: The name, the size, the type or what the file holds is refused; the field is `file`.
    """
    clean = clean_name(name)
    ending = ending_of(clean)
    if ending not in MEDIA_TYPES:
        raise _unknown_type(ending, content)
    if not content:
        raise damaged(ending, "it is empty")
    if len(content) > FILE_BYTES_MAX:
        raise refused(
            f"the file has {len(content)} bytes, more than {FILE_BYTES_MAX}",
            f"文件超过 {FILE_BYTES_MAX // 1024 // 1024} MB",
            remedy="Split it, or scan it at a lower resolution.",
            remedy_zh="请拆分或降低扫描分辨率后上传。",
        )
    _look_at(content, ending)
    return _checked(content, clean, ending)


def own_file(content: bytes, *, name: str) -> CheckedFile:
    """Give a document that this service set itself, to be kept as evidence: its values travel inside, as it put them.

    Raises:
        InvalidInput: The name is refused.
    """
    clean = clean_name(name)
    return _checked(content, clean, ending_of(clean))


def _checked(content: bytes, name: str, ending: str) -> CheckedFile:
    return CheckedFile(
        name=name,
        media_type=MEDIA_TYPES[ending],
        content=content,
        digest=sha256_hex(content),
        sm3_digest=sm3_hex(content),
    )


def _look_at(content: bytes, ending: str) -> None:
    """Tell the type by the content, require that the name says the same, and look into it."""
    if content.startswith(PDF_SIGN):
        _require_ending(ending, "pdf", content)
        refuse_acting_pdf(content)
    elif content.startswith(PNG_SIGN):
        _require_ending(ending, "png", content)
        require_png(content)
    elif content.startswith(JPEG_SIGN):
        _require_ending("jpg" if ending == "jpeg" else ending, "jpg", content)
        require_jpeg(content)
    elif content.startswith(b"PK\x03\x04"):
        _look_at_package(content, ending)
    elif ending in _TEXTS:
        _look_at_text(content, ending)
    else:
        raise _another_type(ending, _guessed(content))


def _require_ending(ending: str, found: str, content: bytes) -> None:
    """Require that the name says what the content is, by our own look and by the signatures of puremagic."""
    if ending != found:
        raise _another_type(ending, found)
    guesses = {guess.extension.lstrip(".").lower() for guess in _guesses(content)}
    if found not in guesses and not (found == "jpg" and "jpeg" in guesses):
        raise _another_type(ending, _guessed(content))


def _look_at_package(content: bytes, ending: str) -> None:
    if ending not in {"xlsx", "docx", "ofd"}:
        raise _another_type(ending, "a ZIP archive")
    package = open_package(content, ending)
    kind = office_kind(package)
    if kind is None:
        macros = any("vbaproject" in name.lower() for name in package.names)
        raise acting(ending, "macros (VBA)", "宏（VBA）") if macros else _another_type(ending, "an unknown ZIP package")
    if kind.lower() != ending:
        raise _another_type(ending, kind)
    if kind in {XLSX_NAME, DOCX_NAME}:
        refuse_acting_office(package, kind)
    else:
        assert kind == OFD_NAME, "three kinds of package are taken"
        refuse_acting_ofd(package)


def _look_at_text(content: bytes, ending: str) -> None:
    text = _decoded(content)
    if text is None or _CONTROLS.search(text):
        raise _another_type(ending, _guessed(content))
    markup = _MARKUP.search(text)
    if markup is not None:
        raise acting(ending, f"markup or a script ({markup.group(0).strip()})", "网页标记或脚本")
    if _SCRIPT.match(text.lstrip("\ufeff \r\n\t")):
        raise acting(ending, "a script", "脚本")
    if ending == "csv":
        refuse_acting_csv(text)


def _decoded(content: bytes) -> str | None:
    """Give the text in UTF-8 or GB18030, as files in China come; None where it is neither."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _guesses(content: bytes) -> list[puremagic.PureMagicWithConfidence]:
    try:
        return list(puremagic.magic_string(content))
    except (puremagic.PureError, ValueError):
        return []


def _guessed(content: bytes) -> str:
    guesses = _guesses(content)
    return str(guesses[0].name) if guesses and guesses[0].name else "an unknown type"


def _unknown_type(ending: str, content: bytes) -> InvalidInput:
    return refused(
        f"files ending in .{ending[:20]} are not taken (this one looks like: {_guessed(content)})",
        f"不接收 .{ending[:20]} 类型的文件",
        remedy=f"Send one of: {', '.join(MEDIA_TYPES)}.",
        remedy_zh=f"可上传：{'、'.join(MEDIA_TYPES)}。",
    )


def _another_type(ending: str, found: str) -> InvalidInput:
    return refused(
        f"the name ends in .{ending}, but the content is {found}",
        f"扩展名为 .{ending}，但内容是 {found}",
        remedy=f"Send one of {', '.join(MEDIA_TYPES)}, under the ending of its type.",
        remedy_zh="请上传与扩展名一致的文件。",
    )
