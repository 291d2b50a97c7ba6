"""A client's units weighed over its pledges, as the API shows it."""

from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.kernel.allowances import Unit
from carbonfin.web.wire import CnyText, DayText, FigureOut, IdText, RatioText, UnitText, day_of, decimal_of
from collateral.calc.allocation.asked import AddedNeed, AllocationAsked
from collateral.schemas.book_limits import BookShareOut
from collateral.schemas.pledges import PartyCodeText
from collateral.service.allocations import AllocationFound


class AddedNeedIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What another lender would ask: value after haircut, until a day."""

    name: IdText
    required_cny: CnyText
    end_date: DayText


class SchemeLimitIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most of one scheme in each need: a part of what the need asks, both after haircut."""

    scheme: Annotated[str, Meta(pattern=r"^[A-Z]{3,8}$")]
    limit_ratio: RatioText


class AllocationIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A what-if: units that may not be used, pledges released, needs added; both cost rates are a year's."""

    pledgor: PartyCodeText
    use_cost_rate: RatioText
    movement_cost_rate: RatioText
    without: Annotated[list[UnitText], Meta(max_length=50)] = []
    released: Annotated[list[IdText], Meta(max_length=100)] = []
    added: Annotated[list[AddedNeedIn], Meta(max_length=20)] = []
    limits: Annotated[list[SchemeLimitIn], Meta(max_length=20)] = []

    def asked(self, pledgor_id: str) -> AllocationAsked:
        """Give the domain value.

        Raises:
            InvalidInput: A unit, an amount or a day cannot be read.
        """
        return AllocationAsked(
            pledgor_id=pledgor_id,
            without=tuple(Unit.parse(one) for one in self.without),
            released=tuple(self.released),
            added=tuple(
                AddedNeed(
                    name=one.name, required_cny=decimal_of(one.required_cny),
                    end_date=day_of(one.end_date, field=f"/added/{place}/end_date"),
                )
                for place, one in enumerate(self.added)
            ),
            use_cost_rate=decimal_of(self.use_cost_rate),
            movement_cost_rate=decimal_of(self.movement_cost_rate),
            limits=tuple((Unit.parse(one.scheme).scheme, decimal_of(one.limit_ratio)) for one in self.limits),
        )  # fmt: skip


class AllocatedLineOut(Struct, frozen=True, kw_only=True):
    """Tonnes of a unit for a need, now and proposed."""

    need: str
    unit: str
    held_t: int
    proposed_t: int
    haircut_ratio: str


class AllocatedNeedOut(Struct, frozen=True, kw_only=True):
    """A need: what it asks, what it gets after haircut, and what lacks where not every need can be met."""

    name: str
    required_cny: str
    covered_cny: str | None
    shortfall_cny: str


class AllocationWordsOut(Struct, frozen=True, kw_only=True):
    """A sentence in both languages; of a unit left out, `unit` names it."""

    text_zh: str
    text_en: str
    unit: str | None = None


class AllocationOut(Struct, frozen=True, kw_only=True):
    """The cheapest safe allocation in whole tonnes, its duals as sentences; or the smallest set of needs unmet.

    `held_to` are limits of concentration inside schedules that hold it, `shares` the book with it; `notes` tell of a
    limit that is not measured, and `trace` says how each figure comes about.
    """

    is_feasible: bool
    cost_cny: str | None
    gap_ratio: str | None
    lines: list[AllocatedLineOut]
    needs: list[AllocatedNeedOut]
    reasons: list[AllocationWordsOut]
    left_out: list[AllocationWordsOut]
    held_to: list[AllocationWordsOut]
    shares: list[BookShareOut]
    notes: list[AllocationWordsOut]
    trace: list[FigureOut]

    @classmethod
    def of(cls, found: AllocationFound) -> "AllocationOut":
        """Copy the domain value."""
        return cls(
            is_feasible=found.is_feasible,
            cost_cny=None if found.cost_cny is None else str(found.cost_cny),
            gap_ratio=None if found.gap_ratio is None else str(found.gap_ratio),
            lines=[
                AllocatedLineOut(
                    need=one.need, unit=str(one.unit), held_t=one.held_t, proposed_t=one.proposed_t,
                    haircut_ratio=str(one.haircut_ratio),
                )
                for one in found.lines
            ],
            needs=[
                AllocatedNeedOut(
                    name=one.name, required_cny=str(one.required_cny),
                    covered_cny=None if one.covered_cny is None else str(one.covered_cny),
                    shortfall_cny=str(one.shortfall_cny),
                )
                for one in found.needs
            ],
            reasons=[AllocationWordsOut(text_zh=zh, text_en=en) for zh, en in found.words],
            left_out=[AllocationWordsOut(unit=unit, text_zh=zh, text_en=en) for unit, zh, en in found.left_out],
            held_to=[AllocationWordsOut(text_zh=zh, text_en=en) for zh, en in found.held_to],
            shares=[BookShareOut.of(one) for one in found.shares],
            notes=[AllocationWordsOut(text_zh=zh, text_en=en) for zh, en in found.notes],
            trace=[FigureOut.of(one) for one in found.trace],
        )  # fmt: skip
