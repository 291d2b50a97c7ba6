"""Schemes, vintages and whole tonnes of allowances and credits."""

import re
from dataclasses import dataclass
from enum import StrEnum

from carbonfin.kernel.errors import InvalidInput


class Scheme(StrEnum):
    """Trading schemes whose units can be held; CCER and SZPHCER are credits."""

    CEA = "CEA"
    SZA = "SZA"
    GDEA = "GDEA"
    HBEA = "HBEA"
    SHEA = "SHEA"
    BEA = "BEA"
    TJEA = "TJEA"
    CQEA = "CQEA"
    FJEA = "FJEA"
    EUA = "EUA"
    CCER = "CCER"
    SZPHCER = "SZPHCER"


CREDITS = frozenset({Scheme.CCER, Scheme.SZPHCER})

SCHEME_NAMES_ZH: dict[Scheme, str] = {
    Scheme.CEA: "全国碳排放配额",
    Scheme.SZA: "深圳碳排放配额",
    Scheme.GDEA: "广东碳排放配额",
    Scheme.HBEA: "湖北碳排放配额",
    Scheme.SHEA: "上海碳排放配额",
    Scheme.BEA: "北京碳排放配额",
    Scheme.TJEA: "天津碳排放配额",
    Scheme.CQEA: "重庆碳排放配额",
    Scheme.FJEA: "福建碳排放配额",
    Scheme.EUA: "欧盟碳排放配额",
    Scheme.CCER: "国家核证自愿减排量",
    Scheme.SZPHCER: "深圳碳普惠核证减排量",
}

_UNIT_TEXT = re.compile(r"(?P<scheme>[A-Z]+?)-?(?P<vintage>20[0-9]{2})?")


@dataclass(frozen=True, slots=True)
class Unit:
    """One kind of unit: a scheme and, for allowances, the vintage (配额年度)."""

    scheme: Scheme
    vintage: int | None = None

    def __post_init__(self) -> None:
        """Refuse vintages outside 2005 to 2099."""
        if self.vintage is not None and not 2005 <= self.vintage <= 2099:
            raise InvalidInput(
                f"vintage {self.vintage} is outside 2005 to 2099",
                zh=f"配额年度 {self.vintage} 不在 2005 至 2099",
                field="vintage",
            )

    @classmethod
    def parse(cls, text: str) -> "Unit":
        """Read CEA-2023, CEA2023 or CCER.

        Raises:
            InvalidInput: No such scheme, or the vintage is not a year.
        """
        match = _UNIT_TEXT.fullmatch(text.strip().upper())
        if match is None or match["scheme"] not in Scheme.__members__:
            raise InvalidInput(
                f"{text!r} names no known unit",
                zh=f"“{text}”不是已知的配额品种",
                field="unit",
                remedy="Write scheme and vintage, for example CEA-2023; known schemes: " + ", ".join(Scheme) + ".",
                remedy_zh="请写品种和年度，例如 CEA-2023。",
            )
        return cls(Scheme(match["scheme"]), int(match["vintage"]) if match["vintage"] else None)

    @property
    def is_credit(self) -> bool:
        """Whether this is a certified reduction rather than an allowance."""
        return self.scheme in CREDITS

    def __hash__(self) -> int:
        """Give the hash; an enumeration's own is an order slower than its text's, and books look up units by line."""
        return hash((str.__hash__(self.scheme), self.vintage))

    def __lt__(self, other: "Unit") -> bool:
        return (self.scheme, self.vintage or 0) < (other.scheme, other.vintage or 0)

    def __str__(self) -> str:
        return self.scheme.value if self.vintage is None else f"{self.scheme.value}-{self.vintage}"


@dataclass(frozen=True, slots=True)
class Tonnes:
    """Whole tonnes CO2e of one unit; unlike units cannot be added."""

    quantity_t: int
    unit: Unit

    def _same(self, other: "Tonnes") -> None:
        if self.unit != other.unit:
            raise InvalidInput(
                f"{self.unit} and {other.unit} cannot be added", zh=f"{self.unit} 与 {other.unit} 不能相加"
            )

    def __add__(self, other: "Tonnes") -> "Tonnes":
        self._same(other)
        return Tonnes(self.quantity_t + other.quantity_t, self.unit)

    def __sub__(self, other: "Tonnes") -> "Tonnes":
        self._same(other)
        return Tonnes(self.quantity_t - other.quantity_t, self.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Units held: never negative."""

    unit: Unit
    quantity_t: int

    def __post_init__(self) -> None:
        """Refuse a negative holding."""
        if self.quantity_t < 0:
            raise InvalidInput(
                f"holding of {self.unit} is {self.quantity_t} t", zh="持有量不能为负", field="quantity_t"
            )
