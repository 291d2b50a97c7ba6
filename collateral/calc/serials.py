"""Serial numbers of units (序号段): closed ranges of whole numbers, each number one tonne, of one registry and kind.

EUA, CCER and SZPHCER carry numbers; each numbering belongs to the registry that issued it, a scheme with its vintage
and a kind (an originating registry's block, a project). Ranges add up to tonnes: where an account or a lock has
numbers, their lengths sum to its quantity. Numbers nobody named are allotted from the lowest free, and leave from the
highest; what the registry states next stands.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import Conflict, InvalidInput

NUMBERED = frozenset({Scheme.EUA, Scheme.CCER, Scheme.SZPHCER})
SERIAL_MAX = 10**15
"""Registries number below this, and JSON readers keep such numbers exactly (below 2^53)."""
_CODE = re.compile(r"[0-9A-Za-z._-]{1,40}")
_TEXT = re.compile(r"(?P<registry>[^/:]+)/(?P<kind>[^/:]+):(?P<first>[0-9]{1,16})-(?P<last>[0-9]{1,16})")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SerialRange:
    """Numbers from first to last, both included, as one registry numbered units of one kind.

    Attributes:
        registry: Who numbered them, as the registry writes its own code (`EU`, `CCER`).
        kind: The block or project within it (`DE`, `CCER-2024-0001`).
    """

    registry: str
    kind: str
    first: int
    last: int

    def __post_init__(self) -> None:
        """Refuse codes that are none, and numbers out of order or beyond what registries issue."""
        for field, code in (("registry", self.registry), ("kind", self.kind)):
            if not _CODE.fullmatch(code):
                raise InvalidInput(
                    f"{field} {code!r} is not a code of at most 40 letters, digits, dots, dashes and underscores",
                    zh=f"序号段的登记机构或类别“{code}”无效",
                    field="serials",
                )
        if not 1 <= self.first <= self.last <= SERIAL_MAX:
            raise InvalidInput(
                f"serial numbers {self.first} to {self.last} do not run upwards within 1 to {SERIAL_MAX}",
                zh=f"序号段 {self.first} 至 {self.last} 须从小到大，且在 1 至 {SERIAL_MAX} 之间",
                field="serials",
            )

    @classmethod
    def parse(cls, text: str) -> "SerialRange":
        """Read `EU/DE:1001-2000`.

        Raises:
            InvalidInput: It is written otherwise.
        """
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise InvalidInput(
                f"{text!r} is not registry/kind:first-last",
                zh=f"“{text}”应写作 登记机构/类别:起号-止号",
                field="serials",
                remedy="Write for example EU/DE:1001-2000.",
                remedy_zh="例如 EU/DE:1001-2000。",
            )
        return cls(
            registry=match["registry"], kind=match["kind"], first=int(match["first"]), last=int(match["last"])
        )  # fmt: skip

    @property
    def quantity_t(self) -> int:
        """Tonnes it stands for: one for each number."""
        return self.last - self.first + 1

    @property
    def numbering(self) -> tuple[str, str]:
        """Within what the numbers are unique."""
        return self.registry, self.kind

    def __str__(self) -> str:
        return f"{self.registry}/{self.kind}:{self.first}-{self.last}"


Ranges = tuple[SerialRange, ...]


def total_t(ranges: Iterable[SerialRange]) -> int:
    """Give the tonnes of some ranges."""
    return sum(one.quantity_t for one in ranges)


def merged(ranges: Iterable[SerialRange]) -> Ranges:
    """Give ranges in order with neighbours joined.

    Raises:
        Conflict: Two overlap.
    """
    joined: list[SerialRange] = []
    for one in sorted(ranges):
        before = joined[-1] if joined else None
        if before is None or before.numbering != one.numbering or before.last + 1 < one.first:
            joined.append(one)
        elif before.last + 1 == one.first:
            joined[-1] = replace(before, last=one.last)
        else:
            raise overlap(before, one)
    return tuple(joined)


def overlap(first: SerialRange, second: SerialRange) -> Conflict:
    """Say by which numbers two ranges overlap."""
    low, high = max(first.first, second.first), min(first.last, second.last)
    return Conflict(
        f"serial ranges {first} and {second} overlap in {low} to {high}",
        zh=f"序号段 {first} 与 {second} 在 {low} 至 {high} 重叠",
        field="serials",
        remedy="Name each number once, and none that another agreement locks.",
        remedy_zh="每个序号只能填写一次，且不得包含其他合同已锁定的序号。",
    )


def require_length(unit: Unit, ranges: Sequence[SerialRange], quantity_t: int) -> None:
    """Hold that a unit carries numbers, and that its ranges stand for a quantity.

    Raises:
        InvalidInput: Units of that scheme have no numbers, or the lengths sum to another quantity.
    """
    if ranges and unit.scheme not in NUMBERED:
        raise InvalidInput(
            f"{unit} carries no serial numbers", zh=f"{unit} 没有序号", field="serials",
            remedy="State the quantity alone.", remedy_zh="只填写数量。",
        )  # fmt: skip
    named_t = total_t(ranges)
    if named_t != quantity_t:
        raise InvalidInput(
            f"{unit}: serial ranges hold {named_t} t, the quantity is {quantity_t} t",
            zh=f"{unit} 的序号段合计 {named_t} 吨，数量为 {quantity_t} 吨",
            field="serials",
            remedy="Give ranges whose lengths sum to the quantity.",
            remedy_zh="序号段长度之和须等于数量。",
        )


def without(ranges: Sequence[SerialRange], taken: Sequence[SerialRange]) -> Ranges:
    """Give what is left of ranges when others are taken out of them.

    Raises:
        Conflict: Some of what is taken is not there, or is named twice.
    """
    left = list(merged(ranges))
    for one in merged(taken):
        place = next((at for at, held in enumerate(left) if _covers(held, one)), None)
        if place is None:
            raise Conflict(
                f"serial range {one} is not within what is free: {'; '.join(map(str, left)) or 'none'}",
                zh=f"序号段 {one} 不在可用序号之内（可用：{'；'.join(map(str, left)) or '无'}）",
                field="serials",
                remedy="Name numbers that the account holds and no agreement locks.",
                remedy_zh="请填写账户持有且未被锁定的序号。",
            )
        held = left.pop(place)
        if one.last < held.last:
            left.insert(place, replace(held, first=one.last + 1))
        if held.first < one.first:
            left.insert(place, replace(held, last=one.first - 1))
    return tuple(left)


def _covers(held: SerialRange, one: SerialRange) -> bool:
    return held.numbering == one.numbering and held.first <= one.first and one.last <= held.last


def beyond(ranges: Sequence[SerialRange], others: Sequence[SerialRange]) -> Ranges:
    """Give the numbers of ranges that are in none of the others, which may overlap them in any way."""
    left = list(merged(ranges))
    for other in others:
        left = [part for one in left for part in _outside(one, other)]
    return tuple(left)


def _outside(one: SerialRange, other: SerialRange) -> Iterator[SerialRange]:
    if one.numbering != other.numbering or other.last < one.first or one.last < other.first:
        yield one
        return
    if one.first < other.first:
        yield replace(one, last=other.first - 1)
    if other.last < one.last:
        yield replace(one, first=other.last + 1)


def lowest(ranges: Sequence[SerialRange], quantity_t: int) -> Ranges:
    """Give the lowest numbers of ranges that make up a quantity; there are as many."""
    found: list[SerialRange] = []
    for one in merged(ranges):
        part_t = min(quantity_t - total_t(found), one.quantity_t)
        if part_t:
            found.append(replace(one, last=one.first + part_t - 1))
    assert total_t(found) == quantity_t, f"{quantity_t} t of {total_t(ranges)} t"
    return tuple(found)


def highest(ranges: Sequence[SerialRange], quantity_t: int) -> Ranges:
    """Give the highest numbers of ranges that make up a quantity; there are as many."""
    kept_t = total_t(ranges) - quantity_t
    assert kept_t >= 0, f"{quantity_t} t of {total_t(ranges)} t"
    return without(ranges, lowest(ranges, kept_t))


def numbers_by_unit(text: str) -> dict[Unit, Ranges]:
    """Read `CCER CCER/P1:1-500; EUA-2024 EU/DE:7-9`: a unit and its numbers, by semicolon; empty names none.

    Raises:
        InvalidInput: A part is no unit with a range.
    """
    found: dict[Unit, Ranges] = {}
    for part in filter(None, (one.strip() for one in text.replace("；", ";").split(";"))):
        unit_text, _, numbers = part.partition(" ")
        unit = Unit.parse(unit_text)
        found[unit] = (*found.get(unit, ()), SerialRange.parse(numbers))
    return found
