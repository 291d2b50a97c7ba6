"""Names that people read: plain characters, as many as fit a line."""

import re

from carbonfin.kernel.errors import InvalidInput

_NAME_LENGTH_MAX = 100
# Control, invisible and direction characters, and halves of pairs, which cannot be stored.
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_LOGIN = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")


def plain_name(name: str, *, field: str = "name") -> str:
    """Give a name without the blanks around it.

    Raises:
        InvalidInput: It is empty, too long, or holds control, invisible or direction characters.
    """
    plain = name.strip()
    if not plain or len(plain) > _NAME_LENGTH_MAX or _UNREADABLE.search(plain):
        raise InvalidInput(
            f"a name has 1 to {_NAME_LENGTH_MAX} characters, none of them control characters",
            zh=f"名称应为 1 至 {_NAME_LENGTH_MAX} 个字符，不得含控制字符",
            field=field,
        )
    return plain


def require_login(login: str) -> None:
    """Refuse a login that is easily taken for another.

    Raises:
        InvalidInput: It holds other characters than the few that look like themselves, or is too long.
    """
    if not _LOGIN.fullmatch(login):
        raise InvalidInput(
            "a login takes lower-case letters, digits, dot, hyphen and underline, at most 64",
            zh="登录名只能含小写字母、数字、点、连字符和下划线，最长 64 个字符",
            field="login",
        )
