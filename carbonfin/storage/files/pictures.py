"""Pictures: PNG chunk by chunk to its end, JPEG segment by segment to its scan; nothing hidden behind them."""

import struct
import zlib

from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.files.refusals import damaged, refused

PNG_SIGN = b"\x89PNG\r\n\x1a\n"
JPEG_SIGN = b"\xff\xd8\xff"
PIXELS_MAX = 100_000_000
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ARCHIVE_END = b"PK\x05\x06"


def require_png(content: bytes) -> None:
    """Refuse what is no whole PNG.

    Raises:
        InvalidInput: A chunk is damaged, the picture is too large, or something follows its end.
    """
    place = len(PNG_SIGN)
    kinds: list[bytes] = []
    while place + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        end = place + 12 + length
        if end > len(content):
            break
        if zlib.crc32(content[place + 4 : end - 4]) != struct.unpack_from(">I", content, end - 4)[0]:
            raise damaged("PNG", "a chunk's check sum is wrong")
        if not kinds and kind == b"IHDR" and length == 13:
            _require_size("PNG", *struct.unpack_from(">II", content, place + 8))
        kinds.append(kind)
        place = end
        if kind == b"IEND":
            break
    if kinds[:1] != [b"IHDR"] or kinds[-1:] != [b"IEND"] or b"IDAT" not in kinds:
        raise damaged("PNG", "it has no beginning, no picture or no end")
    if place != len(content):
        raise damaged("PNG", "something follows its end")


def require_jpeg(content: bytes) -> None:
    """Refuse what is no whole JPEG; what cameras append behind the picture passes, an archive there does not.

    Raises:
        InvalidInput: It has no frame, no scan or no end, is too large, or carries an archive.
    """
    place, length, has_frame = 2, 0, False
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        length = struct.unpack_from(">H", content, place + 2)[0]
        if marker in _FRAMES and length >= 8 and place + 9 <= len(content):
            height, width = struct.unpack_from(">HH", content, place + 5)
            _require_size("JPEG", width, height)
            has_frame = True
        place += 2 + length
        if marker == 0xDA:
            break
    else:
        raise damaged("JPEG", "it has no scan")
    if not has_frame or length < 2 or content.find(b"\xff\xd9", place) < 0:
        raise damaged("JPEG", "it has no frame or no end")
    if _ARCHIVE_END in content[-66_000:]:
        raise damaged("JPEG", "an archive follows its end")


def _require_size(kind: str, width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise damaged(kind, "it has no width or no height")
    if width * height > PIXELS_MAX:
        raise _too_large(kind, width, height)


def _too_large(kind: str, width: int, height: int) -> InvalidInput:
    return refused(
        f"the {kind} has {width} by {height} points, more than {PIXELS_MAX} in all",
        f"{kind} 图片 {width}×{height} 像素，超过上限",
        remedy="Scan it at a lower resolution.",
        remedy_zh="请降低扫描分辨率。",
    )
