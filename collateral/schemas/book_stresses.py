"""Stress of the collateral book as the API shows it."""

from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.storage.decisions import DecisionHead
from carbonfin.web.wire import RatioText, decimal_of
from collateral.calc.book_stress.decision import AgreementStress, ScenarioOutcome, StressOutcome, UnitStress
from collateral.calc.book_stress.terms import MOST_DAYS, MOST_PATHS, StressInputs, StressScenario
from collateral.service.book_stresses import StressAsked

DayCountNumber = Annotated[int, Meta(ge=0, le=MOST_DAYS)]
MOST_OWN = 10


class BookScenarioIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stress of the asker's own; what is nought or null stays as it is.

    `price_ratio` is what prices fall by over `price_days`, `cliff_day` the trading day from which vintages of
    `cliff_years` years before the business year's own and older are worth nothing, `outage_days` how long the registry
    moves nothing, `cash_ratio` the part of their stated cash that pledgors still have.
    """

    code: Annotated[str, Meta(min_length=1, max_length=40)]
    name: Annotated[str, Meta(min_length=1, max_length=80)]
    price_ratio: RatioText
    price_days: DayCountNumber
    is_simulated: bool
    cliff_day: DayCountNumber | None
    cliff_years: Annotated[int, Meta(ge=0, le=50)]
    outage_days: DayCountNumber
    cash_ratio: RatioText

    def scenario(self) -> StressScenario:
        """Give the domain value.

        Raises:
            InvalidInput: A part is out of range.
        """
        return StressScenario(
            code=self.code, name_zh=self.name, name_en=self.name, price_ratio=decimal_of(self.price_ratio),
            price_days=self.price_days, is_simulated=self.is_simulated, cliff_day=self.cliff_day,
            cliff_years=self.cliff_years, outage_days=self.outage_days, cash_ratio=decimal_of(self.cash_ratio),
        )  # fmt: skip


class BookStressIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stress asked for: the bank's dated scenarios are always taken, these are put beside them."""

    scenarios: Annotated[list[BookScenarioIn], Meta(max_length=MOST_OWN)]
    path_count: Annotated[int, Meta(ge=2_000, le=MOST_PATHS)]
    seed: Annotated[int, Meta(ge=0, le=2**31)]

    def asked(self) -> StressAsked:
        """Give what is asked for.

        Raises:
            InvalidInput: A part is out of range.
        """
        return StressAsked(
            own=tuple(one.scenario() for one in self.scenarios), path_count=self.path_count, seed=self.seed
        )


class BookAgreementOut(Struct, frozen=True, kw_only=True):
    """An agreement that a stress touches; `call_day` is null where it is not called."""

    code: str
    pledgor: str
    debt_cny: str
    called_ratio: str
    call_day: str | None
    call_cny: str
    failed_ratio: str
    loss_mean_cny: str
    loss_tail_cny: str

    @classmethod
    def of(cls, one: AgreementStress) -> "BookAgreementOut":
        """Copy the domain value."""
        return cls(
            code=one.code, pledgor=one.pledgor, debt_cny=str(one.debt_cny), called_ratio=str(one.called_ratio),
            call_day=None if one.call_day is None else str(one.call_day), call_cny=str(one.call_cny),
            failed_ratio=str(one.failed_ratio), loss_mean_cny=str(one.loss_mean_cny),
            loss_tail_cny=str(one.loss_tail_cny),
        )  # fmt: skip


class BookUnitOut(Struct, frozen=True, kw_only=True):
    """What a stress sells of a unit; figures of a sale are null where nothing can be sold."""

    unit: str
    sold_mean_t: int
    volume_days: str | None
    days_to_sell: str | None
    share_mean: str | None

    @classmethod
    def of(cls, one: UnitStress) -> "BookUnitOut":
        """Copy the domain value."""
        return cls(
            unit=one.unit, sold_mean_t=one.sold_mean_t,
            volume_days=None if one.volume_days is None else str(one.volume_days),
            days_to_sell=None if one.days_to_sell is None else str(one.days_to_sell),
            share_mean=None if one.share_mean is None else str(one.share_mean),
        )  # fmt: skip


class BookScenarioOut(Struct, frozen=True, kw_only=True):
    """What one stress supposes and does; counts and amounts are means over the paths, the tail loss a quantile."""

    code: str
    name_zh: str
    name_en: str
    price_ratio: str
    price_days: int
    is_simulated: bool
    cliff_day: int | None
    cliff_years: int
    outage_days: int
    cash_ratio: str
    price_low_ratio: str
    called_mean: str
    failed_mean: str
    called_cny: str
    peak_due_cny: str
    met_units_cny: str
    met_cash_cny: str
    failed_debt_cny: str
    loss_mean_cny: str
    loss_error_cny: str
    loss_tail_cny: str
    agreements: list[BookAgreementOut]
    units: list[BookUnitOut]

    @classmethod
    def of(cls, asked: StressScenario, one: ScenarioOutcome) -> "BookScenarioOut":
        """Copy the domain values."""
        return cls(
            code=one.code, name_zh=asked.name_zh, name_en=asked.name_en, price_ratio=str(asked.price_ratio),
            price_days=asked.price_days, is_simulated=asked.is_simulated, cliff_day=asked.cliff_day,
            cliff_years=asked.cliff_years, outage_days=asked.outage_days, cash_ratio=str(asked.cash_ratio),
            price_low_ratio=str(one.price_low_ratio), called_mean=str(one.called_mean),
            failed_mean=str(one.failed_mean), called_cny=str(one.called_cny), peak_due_cny=str(one.peak_due_cny),
            met_units_cny=str(one.met_units_cny), met_cash_cny=str(one.met_cash_cny),
            failed_debt_cny=str(one.failed_debt_cny), loss_mean_cny=str(one.loss_mean_cny),
            loss_error_cny=str(one.loss_error_cny), loss_tail_cny=str(one.loss_tail_cny),
            agreements=[BookAgreementOut.of(each) for each in one.agreements],
            units=[BookUnitOut.of(each) for each in one.units],
        )  # fmt: skip


class BookFindingOut(Struct, frozen=True, kw_only=True):
    """What a stress lacks: facts that are missing and agreements left out."""

    text_zh: str
    text_en: str


class BookStressOut(Struct, frozen=True, kw_only=True):
    """A stress of the collateral book; `unconfirmed` names the assumptions that nobody confirmed."""

    decision_id: str
    business_date: str
    debt_cny: str
    collateral_cny: str
    worst: str
    path_count: int
    seed: int
    scenarios: list[BookScenarioOut]
    findings: list[BookFindingOut]
    unconfirmed: list[str]

    @classmethod
    def of(cls, decision_id: str, inputs: StressInputs, outcome: StressOutcome) -> "BookStressOut":
        """Copy the domain values."""
        return cls(
            decision_id=decision_id, business_date=inputs.business_date.isoformat(),
            debt_cny=str(outcome.debt_cny), collateral_cny=str(outcome.collateral_cny), worst=outcome.worst,
            path_count=inputs.path_count, seed=inputs.seed,
            scenarios=[
                BookScenarioOut.of(asked, one)
                for asked, one in zip(inputs.scenarios, outcome.scenarios, strict=True)
            ],
            findings=[BookFindingOut(text_zh=zh, text_en=en) for zh, en in outcome.findings],
            unconfirmed=list(outcome.unconfirmed),
        )  # fmt: skip


class BookStressHeadOut(Struct, frozen=True, kw_only=True):
    """A stress in a list."""

    decision_id: str
    business_date: str
    made_by: str
    known_at: str

    @classmethod
    def of(cls, head: DecisionHead) -> "BookStressHeadOut":
        """Copy the domain value."""
        return cls(
            decision_id=head.id, business_date=head.valid_on.isoformat(), made_by=head.actor_name,
            known_at=head.known_at.isoformat(),
        )  # fmt: skip


class BookStressListOut(Struct, frozen=True, kw_only=True):
    """Stresses of the book, the newest first."""

    stresses: list[BookStressHeadOut]
