"""Enterprise identity: USCI and industry."""

import re
from dataclasses import dataclass
from functools import lru_cache

from carbonfin.kernel.errors import InvalidInput

_USCI_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015, without I O S V Z
_USCI_LENGTH = 18
_USCIS_KEPT = 4096
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714
_INDUSTRY = re.compile(r"[A-T][0-9]{2,4}")


def usci_check_character(first_seventeen: str) -> str:
    """Give the 18th character of a USCI.

    31 minus the sum of value times 3^i mod 31, modulo 31 (GB 32100-2015).
    """
    total = sum(_USCI_ALPHABET.index(character) * pow(3, place, 31) for place, character in enumerate(first_seventeen))
    return _USCI_ALPHABET[-total % 31]


def organisation_check_character(first_eight: str) -> str:
    """Give the ninth character of an organisation code (GB 11714)."""
    values = (int(character, 36) for character in first_eight)
    remainder = 11 - sum(value * weight for value, weight in zip(values, _ORGANISATION_WEIGHTS, strict=True)) % 11
    return {10: "X", 11: "0"}.get(remainder, str(remainder))


@dataclass(frozen=True, slots=True)
class Usci:
    """A unified social credit identifier (统一社会信用代码) whose check characters hold."""

    text: str

    def __post_init__(self) -> None:
        """Hold the promise that only `parse` lets text in."""
        assert _usci_fault(self.text) is None, "read a USCI with Usci.parse"

    @classmethod
    def parse(cls, text: str, *, field: str = "usci") -> "Usci":
        """Read a USCI and check it.

        Raises:
            InvalidInput: Wrong length, character or check character; the message names which.
        """
        code = text.strip().upper()
        fault = _usci_fault(code)
        if fault:
            english, chinese = fault
            raise InvalidInput(
                f"USCI {text!r}: {english}",
                zh=f"统一社会信用代码“{text}”有误：{chinese}",
                field=field,
                remedy="Copy the 18 characters from the business licence.",
                remedy_zh="请按营业执照核对 18 位代码。",
            )
        return cls(code)

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=_USCIS_KEPT)
def _usci_fault(code: str) -> tuple[str, str] | None:
    if len(code) != _USCI_LENGTH:
        return f"{len(code)} characters instead of 18", f"应为 18 位，实为 {len(code)} 位"
    strange = sorted(set(code) - set(_USCI_ALPHABET))
    if strange:
        return f"character {strange[0]!r} is not allowed", f"含有不允许的字符“{strange[0]}”"
    if not code[2:8].isdigit():
        return "the division code (3rd to 8th) must be digits", "第 3 至 8 位行政区划码应为数字"
    if usci_check_character(code[:17]) != code[17]:
        return "the check character (18th) does not fit", "第 18 位校验码不符"
    if organisation_check_character(code[8:16]) != code[16]:
        return "the organisation code's check character (17th) does not fit", "第 17 位组织机构代码校验码不符"
    return None


@dataclass(frozen=True, slots=True)
class Industry:
    """An industry code of GB/T 4754, section letter and two to four digits."""

    code: str

    def __post_init__(self) -> None:
        """Refuse text of another shape."""
        if _INDUSTRY.fullmatch(self.code) is None:
            raise InvalidInput(
                f"industry {self.code!r} is not a GB/T 4754 code",
                zh=f"“{self.code}”不是 GB/T 4754 行业代码",
                field="industry",
                remedy="Write the section letter and two to four digits, for example C1810.",
                remedy_zh="请写门类字母和二至四位数字，例如 C1810。",
            )
