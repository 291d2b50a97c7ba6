"""Parties to agreements, identified by USCI or LEI."""

import re
from dataclasses import dataclass
from enum import StrEnum

from carbonfin.kernel.enterprises import Usci
from carbonfin.kernel.errors import InvalidInput

_LEI = re.compile(r"[0-9A-Z]{18}(?!00|01|99)[0-9]{2}")  # check digits run from 02 to 98
_ISO_7064_MODULUS = 97


class PartyKind(StrEnum):
    """What a party is to a bank."""

    ENTERPRISE = "enterprise"
    COUNTERPARTY = "counterparty"


@dataclass(frozen=True, slots=True)
class Lei:
    """A legal entity identifier (ISO 17442) whose check digits hold."""

    text: str

    def __post_init__(self) -> None:
        """Hold the promise that only `parse` lets text in."""
        assert _lei_fits(self.text), "read a LEI with Lei.parse"

    @classmethod
    def parse(cls, text: str, *, field: str = "lei") -> "Lei":
        """Read a LEI and check it by ISO 7064 mod 97-10.

        Raises:
            InvalidInput: Wrong shape or check digits.
        """
        code = text.strip().upper()
        shaped = _LEI.fullmatch(code) is not None
        if not _lei_fits(code):
            reason = "the check digits do not fit" if shaped else "20 letters and digits are expected"
            raise InvalidInput(
                f"LEI {text!r}: {reason}",
                zh=f"法人识别编码“{text}”" + ("校验位不符" if shaped else "应为 20 位字母和数字"),
                field=field,
                remedy="Copy the 20 characters from the LEI register.",
                remedy_zh="请按 LEI 登记信息核对 20 位编码。",
            )
        return cls(code)

    def __str__(self) -> str:
        return self.text


def _lei_fits(code: str) -> bool:
    if _LEI.fullmatch(code) is None:
        return False
    return int("".join(str(int(character, 36)) for character in code)) % _ISO_7064_MODULUS == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """An enterprise or counterparty as one bank knows it; a Hong Kong counterparty has a LEI and no USCI.

    Attributes:
        key_emitter: Whether it is a key emitting entity (重点排放单位); None where that is not known.
        version: Counts its corrections.
    """

    id: str
    name: str
    kind: PartyKind
    usci: Usci | None
    lei: Lei | None
    industry: str | None
    district: str | None
    scheme: str | None
    key_emitter: bool | None
    is_sample: bool
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse a party without any identifier."""
        if self.usci is None and self.lei is None:
            raise InvalidInput(
                f"party {self.name!r} has neither USCI nor LEI", zh="须有统一社会信用代码或法人识别编码", field="usci"
            )

    @property
    def code(self) -> str:
        """The identifier: USCI where there is one, else LEI."""
        return str(self.usci if self.usci is not None else self.lei)
