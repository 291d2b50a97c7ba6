"""Holdings and serial ranges as the API takes and shows them."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.web.wire import UnitText
from collateral.calc.agreements import AccountPosition, Encumbrance
from collateral.calc.serials import SERIAL_MAX, Ranges, SerialRange

RANGES_MAX = 1000
_Code = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[0-9A-Za-z._-]+$")]
_Serial = Annotated[int, Meta(ge=1, le=SERIAL_MAX)]


class SerialRangeIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Serial numbers from first to last, both included, within one registry's numbering of one kind."""

    registry: _Code
    kind: _Code
    first: _Serial
    last: _Serial

    def value(self) -> SerialRange:
        """Give the domain value."""
        return SerialRange(registry=self.registry, kind=self.kind, first=self.first, last=self.last)


class UnitSerialsIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The serial numbers chosen of one unit."""

    unit: UnitText
    ranges: Annotated[list[SerialRangeIn], Meta(min_length=1, max_length=RANGES_MAX)]


def serials_of(given: list[UnitSerialsIn], *, field: str) -> dict[Unit, Ranges]:
    """Give the numbers chosen by unit.

    Raises:
        InvalidInput: A unit is named twice.
    """
    serials: dict[Unit, Ranges] = {}
    for one in given:
        unit = Unit.parse(one.unit)
        if unit in serials:
            raise InvalidInput(f"{unit} is named twice", zh=f"{unit} 重复", field=field)
        serials[unit] = tuple(named.value() for named in one.ranges)
    return serials


class SerialRangeOut(Struct, frozen=True, kw_only=True):
    """Serial numbers from first to last, both included, and the tonnes they stand for."""

    registry: str
    kind: str
    first: int
    last: int
    quantity_t: int

    @classmethod
    def all_of(cls, ranges: Ranges) -> "list[SerialRangeOut]":
        """Show ranges."""
        return [
            cls(registry=one.registry, kind=one.kind, first=one.first, last=one.last, quantity_t=one.quantity_t)
            for one in ranges
        ]


class LockedSerialsOut(Struct, frozen=True, kw_only=True):
    """The serial numbers that one hold of a pledge locks."""

    unit: str
    quantity_t: int
    state: str
    ranges: list[SerialRangeOut]

    @classmethod
    def of(cls, held: Encumbrance, ranges: Ranges) -> "LockedSerialsOut":
        """Show a hold whose units carry numbers."""
        return cls(
            unit=str(held.unit), quantity_t=held.quantity_t, state=held.state, ranges=SerialRangeOut.all_of(ranges)
        )


class ChosenSerialsOut(Struct, frozen=True, kw_only=True):
    """The serial numbers chosen of one unit."""

    unit: str
    ranges: list[SerialRangeOut]

    @classmethod
    def all_of(cls, serials: Mapping[Unit, Ranges]) -> "list[ChosenSerialsOut]":
        """Show the numbers chosen by unit."""
        return [cls(unit=str(unit), ranges=SerialRangeOut.all_of(ranges)) for unit, ranges in serials.items()]


class HoldingStatementIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a registry states that a party holds of a unit; with serial numbers where the units carry them."""

    unit: UnitText
    quantity_t: Annotated[int, Meta(ge=0, le=1_000_000_000)]
    source: Annotated[str, Meta(min_length=1, max_length=200, description="The statement it was read from.")]
    serials: Annotated[list[SerialRangeIn], Meta(max_length=RANGES_MAX)] = []

    def parsed(self) -> Unit:
        """Give the unit."""
        return Unit.parse(self.unit)


class UnitHoldingOut(Struct, frozen=True, kw_only=True):
    """Tonnes of one unit: all, reserved, locked and free, and the serial numbers held where there are any."""

    unit: str
    total_t: int
    pending_t: int
    locked_t: int
    free_t: int
    serials: list[SerialRangeOut]
    free_serials: list[SerialRangeOut]

    @classmethod
    def of(cls, position: AccountPosition, held: Ranges, free: Ranges) -> "UnitHoldingOut":
        """Copy the domain values."""
        return cls(
            unit=str(position.unit), total_t=position.total_t, pending_t=position.pending_t, locked_t=position.locked_t,
            free_t=position.free_t, serials=SerialRangeOut.all_of(held), free_serials=SerialRangeOut.all_of(free),
        )  # fmt: skip


class PartyHoldingsOut(Struct, frozen=True, kw_only=True):
    """What a party holds, by unit."""

    party_id: str
    holdings: list[UnitHoldingOut]
