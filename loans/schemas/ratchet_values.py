"""The value of a margin ratchet as JSON."""

from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.web.wire import DayText, DecimalText, IdText, NameText, RateText, RatioText, day_of, decimal_of
from loans.calc.linked import GradeStep, GradeValue, RatchetKind
from loans.calc.linked.ratchet_terms import GRADES_MAX
from loans.service import RatchetRequest, ValuedRatchet

GradeText = Annotated[str, Meta(min_length=1, max_length=20, description="A grade of the ratchet.", examples=["B"])]


class RatchetGradeIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One grade: its step in bp and the chance of each grade, in order, at the next observation."""

    name: GradeText
    adjustment_bp: DecimalText
    transitions: Annotated[list[RatioText], Meta(min_length=1, max_length=GRADES_MAX)]


class RatchetValueIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Value the ratchet of a loan note; with `record` the decision is kept."""

    note_code: IdText
    kind: RatchetKind
    grades: Annotated[list[RatchetGradeIn], Meta(min_length=1, max_length=GRADES_MAX)]
    current_grade: GradeText
    discount_rate: RateText
    observation_dates: Annotated[list[DayText], Meta(min_length=1, max_length=120)]
    source: NameText
    floor_bp: DecimalText | None = None
    cap_bp: DecimalText | None = None
    all_in_floor_rate: RateText | None = None
    record: bool = False

    def request(self) -> RatchetRequest:
        """Give the request as a value."""
        return RatchetRequest(
            note_code=self.note_code,
            kind=self.kind,
            grades=tuple(
                GradeStep(
                    name=one.name,
                    adjustment_bp=decimal_of(one.adjustment_bp),
                    transitions=tuple(decimal_of(chance) for chance in one.transitions),
                )
                for one in self.grades
            ),
            current_grade=self.current_grade,
            floor_bp=None if self.floor_bp is None else decimal_of(self.floor_bp),
            cap_bp=None if self.cap_bp is None else decimal_of(self.cap_bp),
            all_in_floor_rate=None if self.all_in_floor_rate is None else decimal_of(self.all_in_floor_rate),
            discount_rate=decimal_of(self.discount_rate),
            observation_dates=tuple(day_of(one, field="observation_dates") for one in self.observation_dates),
            source=self.source,
        )


class RatchetGradeOut(Struct, frozen=True, kw_only=True):
    """What the ratchet is worth from one grade; a positive value is the bank's."""

    name: str
    pv_cny: str
    par_bp: str
    expected_bp: list[str]

    @classmethod
    def of(cls, value: GradeValue) -> "RatchetGradeOut":
        """Copy a grade's value."""
        return cls(
            name=value.name, pv_cny=str(value.pv_cny), par_bp=format(value.par_bp, "f"),
            expected_bp=[format(one, "f") for one in value.expected_bp],
        )  # fmt: skip


class RatchetPeriodOut(Struct, frozen=True, kw_only=True):
    """One interest period ahead, and how many observations have moved the margin by its start."""

    start: str
    end: str
    balance_cny: str
    days: int
    observations: int


class RatchetValueOut(Struct, frozen=True, kw_only=True):
    """The value of a ratchet by grade, over the interest periods ahead."""

    decision_id: str | None
    valuation_date: str
    current_grade: str
    pv_cny: str
    par_bp: str
    annuity_cny: str
    is_confirmed: bool
    grades: list[RatchetGradeOut]
    periods: list[RatchetPeriodOut]

    @classmethod
    def of(cls, found: ValuedRatchet) -> "RatchetValueOut":
        """Copy a valued ratchet."""
        outcome = found.outcome
        return cls(
            decision_id=found.decision_id,
            valuation_date=found.inputs.valuation_date.isoformat(),
            current_grade=outcome.current_grade,
            pv_cny=str(outcome.pv_cny),
            par_bp=format(outcome.par_bp, "f"),
            annuity_cny=str(outcome.annuity_cny),
            is_confirmed=found.inputs.confirmed,
            grades=[RatchetGradeOut.of(one) for one in outcome.grades],
            periods=[
                RatchetPeriodOut(
                    start=one.start.isoformat(), end=one.end.isoformat(), balance_cny=str(one.balance_cny),
                    days=one.days, observations=one.observations,
                )
                for one in found.inputs.periods
            ],
        )  # fmt: skip
