"""Haircut policies and haircuts as the API shows them."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from carbonfin.kernel.allowances import Unit
from carbonfin.rules.record import canonical
from carbonfin.storage.learned_types import converted
from carbonfin.web.wire import (
    DayText,
    DecimalText,
    FigureOut,
    IdText,
    NoteText,
    QuantityT,
    RatioText,
    UnitText,
    day_of,
)
from collateral.calc.haircut_models.components import HaircutComponent
from collateral.calc.haircut_models.seasons import SeasonDepth
from collateral.calc.haircut_models.stack import TITLES
from collateral.calc.haircut_models.wrong_way import BorrowerUnits
from collateral.calc.haircut_policies import HaircutPolicy, PolicyRecord
from collateral.service.computed_haircuts import HaircutAnswer, HaircutRequest

Days = Annotated[int, Meta(ge=0, le=750)]
TonnesHeld = Annotated[int, Meta(ge=0, le=1_000_000_000)]


class JumpTermsIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Jumps of the price: how many a year, part up, mean size up and down in log price.

    `expected_loss_ratio` is the most that the mean loss may be, of the loan: the haircut meets it too; null sets none.
    """

    jumps_per_year: DecimalText
    up_ratio: RatioText
    up_mean: DecimalText
    down_mean: DecimalText
    expected_loss_ratio: RatioText | None = None


class WrongWayIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Joint risk of price, borrower's units and default season; `surrender_season` null is not known."""

    price_credit_correlation: DecimalText
    emissions_credit_correlation: DecimalText
    price_emissions_correlation: DecimalText
    default_ratios: Annotated[list[RatioText], Meta(min_length=1, max_length=24)]
    surrender_season: Annotated[int, Meta(ge=1, le=24)] | None
    release_ratio: RatioText
    emissions_deviation: DecimalText
    horizon_days: Days
    missing_ratio: RatioText


class HaircutMethodIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the haircut of a class is put together; see the reference on haircuts for each value."""

    components: Annotated[
        list[Literal["supervisory", "empirical", "jump_diffusion", "close_out", "wrong_way"]], Meta(max_length=5)
    ]
    measure: Literal["value_at_risk", "expected_shortfall"]
    tail_ratio: RatioText
    table_ratio: RatioText
    conservative_ratio: RatioText
    floor_ratio: RatioText
    ceiling_ratio: RatioText
    ten_day_ratio: RatioText
    currency_ten_day_ratio: RatioText
    holding_days: Days
    remargin_days: Days
    cure_days: Days
    notice_days: Days
    participation_ratio: RatioText
    daily_limit_ratio: RatioText | None
    bid_ask_ratio: RatioText
    impact: DecimalText
    fewest_clean_days: Annotated[int, Meta(ge=2, le=5_000)]
    least_clean_share: RatioText
    path_count: Annotated[int, Meta(ge=2_000, le=50_000)] = 20_000
    seed: Annotated[int, Meta(ge=0, le=2**31)] = 1
    jumps: JumpTermsIn | None = None
    wrong_way: WrongWayIn | None = None
    stack_version: Annotated[int, Meta(ge=1, le=2)] = 2


class HaircutPolicyIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The policy of one class, to be in force once another person approved it."""

    code: IdText
    scheme: Annotated[str, Meta(pattern=r"^[A-Z]{3,8}$")]
    first_vintage: Annotated[int, Meta(ge=2000, le=2100)] | None = None
    last_vintage: Annotated[int, Meta(ge=2000, le=2100)] | None = None
    liquidity: Literal["active", "thin", "inactive"]
    method: HaircutMethodIn
    pledge_ratio_max: RatioText
    valuation_frequency: Literal["daily", "weekly", "monthly"]
    valued_by: NoteText
    concentration_ratio: RatioText
    stress: NoteText
    backtest: NoteText
    review_by: DayText
    document: NoteText
    valid_from: DayText
    reason: NoteText

    def policy(self) -> HaircutPolicy:
        """Give the domain value.

        Raises:
            InvalidInput: The policy cannot be; the field is named.
        """
        given: dict[str, Any] = {name: getattr(self, name) for name in self.__struct_fields__ if name != "reason"}
        given |= {name: day_of(given[name], field=name) for name in ("review_by", "valid_from")}
        given["scheme"] = Unit.parse(self.scheme).scheme.value
        return converted(msgspec.to_builtins(given), HaircutPolicy)


class HaircutPolicyOut(Struct, frozen=True, kw_only=True):
    """A policy in force: valid from its own day, known from its approval."""

    code: str
    revision: int
    valid_from: str
    known_from: str
    maker: str
    checker: str
    approval_id: str
    policy: dict[str, Any]

    @classmethod
    def of(cls, record: PolicyRecord) -> "HaircutPolicyOut":
        """Copy the domain value."""
        return cls(
            code=record.policy.code,
            revision=record.revision,
            valid_from=record.policy.valid_from.isoformat(),
            known_from=record.known_from.isoformat(),
            maker=record.maker_name,
            checker=record.checker_name,
            approval_id=record.approval_id,
            policy=canonical(record.policy),
        )


class HaircutPolicyListOut(Struct, frozen=True, kw_only=True):
    """The policies in force on a day."""

    business_date: str
    policies: list[HaircutPolicyOut]


class BorrowerUnitsIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The borrower's emissions, allocation and unpledged holding of the compliance year."""

    emissions_t: TonnesHeld
    allocation_t: TonnesHeld
    free_holding_t: TonnesHeld


class HaircutIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a haircut is asked for; `record` false keeps nothing."""

    policy: IdText
    unit: UnitText
    quantity_t: QuantityT
    ends_on: DayText
    is_cross_currency: bool = False
    borrower: BorrowerUnitsIn | None = None
    record: bool = True

    def request(self) -> HaircutRequest:
        """Give the domain value."""
        held = self.borrower
        return HaircutRequest(
            policy=self.policy,
            unit=Unit.parse(self.unit),
            quantity_t=self.quantity_t,
            ends_on=day_of(self.ends_on, field="ends_on"),
            is_cross_currency=self.is_cross_currency,
            borrower=None
            if held is None
            else BorrowerUnits(
                emissions_t=held.emissions_t, allocation_t=held.allocation_t, free_holding_t=held.free_holding_t,
                pledged_t=self.quantity_t,
            ),
        )  # fmt: skip


class HaircutEvidenceOut(Struct, frozen=True, kw_only=True):
    """One figure behind a component."""

    name: str
    label_zh: str
    label_en: str
    value: str
    unit: str


class HaircutComponentOut(Struct, frozen=True, kw_only=True):
    """A component: computed, at the conservative value, or of units that cannot be sold."""

    name: str
    label_zh: str
    label_en: str
    ratio: str
    standing: str
    reason_zh: str
    reason_en: str
    formula: str
    inputs_digest: str
    evidence: list[HaircutEvidenceOut]

    @classmethod
    def of(cls, one: HaircutComponent) -> "HaircutComponentOut":
        """Copy the domain value."""
        label_zh, label_en = TITLES[one.name]
        return cls(
            name=one.name.value, label_zh=label_zh, label_en=label_en, ratio=str(one.ratio),
            standing=one.standing.value, reason_zh=one.reason_zh, reason_en=one.reason_en, formula=one.formula,
            inputs_digest=one.inputs_digest,
            evidence=[
                HaircutEvidenceOut(
                    name=item.name, label_zh=item.label_zh, label_en=item.label_en, value=item.value, unit=item.unit
                )
                for item in one.evidence
            ],
        )  # fmt: skip


class SeasonDepthOut(Struct, frozen=True, kw_only=True):
    """Volume after the surrender over its mean: approved, measured in its place, or unknown.

    `note_zh` and `note_en` say what stands in where nobody confirmed it; empty where one did.
    """

    basis: str
    ratio: str | None
    is_confirmed: bool
    source: str
    note_zh: str
    note_en: str

    @classmethod
    def of(cls, one: SeasonDepth) -> "SeasonDepthOut":
        """Copy the domain value."""
        note_zh, note_en = one.words
        return cls(
            basis=one.basis.value, ratio=None if one.ratio is None else str(one.ratio), is_confirmed=one.is_confirmed,
            source=one.source, note_zh=note_zh, note_en=note_en,
        )  # fmt: skip


class HaircutOut(Struct, frozen=True, kw_only=True):
    """A haircut with every component; 1 where the units are not accepted."""

    haircut_ratio: str
    is_accepted: bool
    binding: str
    refusal_zh: str
    refusal_en: str
    policy: str
    policy_revision: int
    pledge_ratio_max: str
    components: list[HaircutComponentOut]
    season: SeasonDepthOut | None
    unconfirmed: list[str]
    trace: list[FigureOut]
    decision_id: str | None

    @classmethod
    def of(cls, answer: HaircutAnswer) -> "HaircutOut":
        """Copy the domain value."""
        outcome, record = answer.outcome, answer.record
        return cls(
            haircut_ratio=str(outcome.haircut_ratio),
            is_accepted=outcome.is_accepted,
            binding=outcome.binding.value,
            refusal_zh=outcome.refusal_zh,
            refusal_en=outcome.refusal_en,
            policy=record.policy.code,
            policy_revision=record.revision,
            pledge_ratio_max=str(record.policy.pledge_ratio_max),
            components=[HaircutComponentOut.of(one) for one in outcome.components],
            season=None if answer.inputs.facts.season is None else SeasonDepthOut.of(answer.inputs.facts.season),
            unconfirmed=list(outcome.unconfirmed),
            trace=[FigureOut.of(one) for one in outcome.trace],
            decision_id=answer.decision_id,
        )
