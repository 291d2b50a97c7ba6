"""PDF: pages to look at, and nothing that runs, opens, sends or carries other files.

It is a search and no reader: the whole file and every object stream in it are searched for the names of what acts. A
dictionary of an action must name its kind, a name may be written with hexadecimal escapes, and objects stand either in
the file itself or in an object stream; what is packed so that it cannot be searched is refused.
"""

import re
import zlib

from carbonfin.storage.files.refusals import acting, damaged, refused

PDF_NAME = "PDF"
PDF_SIGN = b"%PDF-"
OBJECTS_BYTES_MAX = 32 * 1024 * 1024
_ACTS: dict[bytes, tuple[str, str]] = {
    b"JavaScript": ("JavaScript", "JavaScript 脚本"),
    b"Launch": ("an action that starts a program (Launch)", "启动程序的动作（Launch）"),
    b"EmbeddedFile": ("embedded files", "嵌入文件"),
    b"EmbeddedFiles": ("embedded files", "嵌入文件"),
    b"FileAttachment": ("attached files", "附件"),
    b"GoToE": ("a jump into an embedded file", "跳转到嵌入文件"),
    b"GoToR": ("a jump into another file", "跳转到其他文件"),
    b"SubmitForm": ("a form that sends itself", "自动提交的表单"),
    b"ImportData": ("an action that fetches data (ImportData)", "导入数据的动作"),
    b"RichMedia": ("rich media", "富媒体"),
    b"Rendition": ("media", "音视频"),
    b"XFA": ("an XFA form", "XFA 表单"),
}
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_END_OF_NAME = rb"(?=[\s\x00()<>\[\]{}/%]|$)"
_ACTING_NAME = re.compile(rb"/(" + b"|".join(_ACTS) + rb")" + _END_OF_NAME)
_ENCRYPTED = re.compile(rb"/Encrypt" + _END_OF_NAME)
_OBJECT = re.compile(rb"\bobj\b")
_STREAM = re.compile(rb"(?<!end)stream(\r\n|\n|\r)")
_OBJECT_STREAM = re.compile(rb"/ObjStm" + _END_OF_NAME)
_PACKED_ODDLY = re.compile(rb"/(LZWDecode|ASCII85Decode|ASCIIHexDecode|RunLengthDecode|Crypt|Predictor)" + _END_OF_NAME)
_PLACES = re.compile(rb"(\s|%[^\r\n]*[\r\n])*[0-9]+\s+[0-9]+\s")
_HEAD = 256


def refuse_acting_pdf(content: bytes) -> None:
    """Refuse a PDF that is damaged, encrypted, or does anything but show pages.

    Raises:
        InvalidInput: What was found.
    """
    if not re.match(rb"%PDF-[12]\.[0-9]", content[:8]):
        raise damaged(PDF_NAME, "it does not begin as one")
    if b"%%EOF" not in content[-2048:] or not _OBJECT.search(content):
        raise damaged(PDF_NAME, "it has no objects or no end")
    plain = _unescaped(content)
    if _ENCRYPTED.search(plain):
        raise refused(
            "the PDF is encrypted and cannot be looked into",
            "PDF 文件已加密或设有权限限制，无法检查",
            remedy="Send it without a password and without restrictions.",
            remedy_zh="请去除密码和权限限制后上传。",
        )
    _refuse_names(plain)
    read = 0
    for stream in _STREAM.finditer(content):
        read += _look_into(content, stream)
        if read > OBJECTS_BYTES_MAX:
            raise damaged(PDF_NAME, f"its objects unpack to more than {OBJECTS_BYTES_MAX} bytes")


def _unescaped(text: bytes) -> bytes:
    """Write names plainly: `/J#61vaScript` is `/JavaScript`."""
    return _ESCAPE.sub(lambda found: bytes((int(found.group(1), 16),)), text)


def _refuse_names(plain: bytes) -> None:
    found = _ACTING_NAME.search(plain)
    if found is not None:
        raise acting(PDF_NAME, *_ACTS[found.group(1)])


def _look_into(content: bytes, stream: re.Match[bytes]) -> int:
    """Search an object stream, told by its dictionary or by how it begins; give how much was unpacked."""
    before = content[max(0, stream.start() - 4096) : stream.start()]
    begun = [found.end() for found in _OBJECT.finditer(before)]
    dictionary = _unescaped(before[begun[-1] :] if begun else before)
    declared = _OBJECT_STREAM.search(dictionary) is not None or (b"/First" in dictionary and b"/N" in dictionary)
    if declared and (_PACKED_ODDLY.search(dictionary) or b"/DecodeParms" in dictionary):
        raise acting(PDF_NAME, "objects packed so that they cannot be searched", "无法检查的压缩对象")
    head = _unpacked(content, stream.end(), limit=_HEAD)
    if head is None and declared:
        head = content[stream.end() : stream.end() + _HEAD] if b"/Filter" not in dictionary else None
        if head is None:
            raise acting(PDF_NAME, "objects packed so that they cannot be searched", "无法检查的压缩对象")
        return 0  # unpacked objects stand in the file itself and were searched with it
    if head is None or not (declared or _PLACES.match(head)):
        return len(head or b"")
    whole = _unpacked(content, stream.end(), limit=OBJECTS_BYTES_MAX + 1) or b""
    if len(whole) > OBJECTS_BYTES_MAX:
        raise damaged(PDF_NAME, f"its objects unpack to more than {OBJECTS_BYTES_MAX} bytes")
    _refuse_names(_unescaped(whole))
    return len(whole)


def _unpacked(content: bytes, start: int, *, limit: int) -> bytes | None:
    """Give the first bytes of what a deflated stream unpacks to; None where it is none."""
    size = 4096 if limit <= _HEAD else len(content)
    unpacker = zlib.decompressobj()
    try:
        return unpacker.decompress(content[start : start + size], limit)
    except zlib.error:
        return None
