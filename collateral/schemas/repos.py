"""Repos and headroom as the API shows them."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.units import Currency, parse_decimal
from carbonfin.web.wire import (
    CnyText,
    DayText,
    IdText,
    NoteText,
    QuantityT,
    RateText,
    RatioText,
    UnitText,
    day_of,
    decimal_of,
)
from collateral.calc.headroom import HeadroomOutcome
from collateral.calc.repo import ExposureMethod
from collateral.calc.repo_exposure import RepoExposureOutcome
from collateral.schemas.book_limits import BookShareOut
from collateral.schemas.pledges import RefusalOut
from collateral.service import NetMargin, Repo, RepoContract, RepoPreview, label_of

MarginRatioText = Annotated[
    str,
    Meta(
        pattern=r"^[1-9][0-9]{0,2}(\.[0-9]{1,6})?$",
        description="Market value to purchase price, 1 or more, as plain text.",
        examples=["1.05"],
    ),
]


class RepoIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A repo's contract, to be opened when another person approves it; `basis` null takes the dated convention."""

    code: IdText
    seller: Annotated[str, Meta(min_length=18, max_length=20, description="The seller's USCI or LEI.")]
    buyer: Annotated[str, Meta(min_length=18, max_length=20, description="The buyer's USCI or LEI.")]
    bank_role: Literal["principal", "arranger", "calculation agent", "custodian"]
    unit: UnitText
    quantity_t: QuantityT
    purchase_date: DayText
    repurchase_date: DayText
    currency: Literal["CNH", "CNY", "HKD", "USD", "EUR"] = "CNH"
    purchase_price_amount: CnyText
    rate: RateText
    basis: Literal["act/360", "act/365"] | None = None
    method: Literal["A", "B"] = "B"
    minimum_transfer_amount: CnyText = "0.00"
    cross_border_basis: NoteText = ""
    netting_opinion: NoteText = ""
    settlement: NoteText
    is_delivered: bool = True
    haircut_ratio: RatioText | None = None
    margin_ratio: MarginRatioText | None = None
    override_reason: NoteText = ""
    margin_rate: RateText | None = None
    reason: NoteText

    def contract(self, *, seller_id: str, buyer_id: str) -> RepoContract:
        """Give the domain value.

        Raises:
            InvalidInput: The contract cannot be; the field is named.
        """
        return RepoContract(
            code=self.code, seller_id=seller_id, buyer_id=buyer_id, bank_role=self.bank_role,
            unit=Unit.parse(self.unit), quantity_t=self.quantity_t,
            purchase_date=day_of(self.purchase_date, field="purchase_date"),
            repurchase_date=day_of(self.repurchase_date, field="repurchase_date"), currency=Currency(self.currency),
            purchase_price_amount=parse_decimal(self.purchase_price_amount, field="purchase_price_amount"),
            rate=parse_decimal(self.rate, field="rate"), basis=None if self.basis is None else DayCount(self.basis),
            method=ExposureMethod(self.method),
            minimum_transfer_amount=parse_decimal(self.minimum_transfer_amount, field="minimum_transfer_amount"),
            cross_border_basis=self.cross_border_basis, netting_opinion=self.netting_opinion,
            settlement=self.settlement, is_delivered=self.is_delivered,
            haircut_ratio=None if self.haircut_ratio is None else decimal_of(self.haircut_ratio),
            margin_ratio=None if self.margin_ratio is None else decimal_of(self.margin_ratio),
            override_reason=self.override_reason,
            margin_rate=None if self.margin_rate is None else parse_decimal(self.margin_rate, field="margin_rate"),
        )  # fmt: skip


class RepoScenarioOut(Struct, frozen=True, kw_only=True):
    """Exposure on the purchase date at a price."""

    name: str
    label_zh: str
    label_en: str
    market_value_cny: str
    exposure_cny: str
    call_amount: str


class RepoPreviewOut(Struct, frozen=True, kw_only=True):
    """A contract weighed: nothing of it is stored.

    `refusals` is what the bank's schedules of eligible collateral have against the units of its own deal, limits of
    concentration among them; `notes` is worth knowing and stops nothing, a limit that is not measured among it.
    """

    is_within_lendable: bool
    market_value_cny: str
    lendable_amount: str
    repurchase_price_amount: str
    haircut_ratio: str
    policy_haircut_ratio: str
    override_needed: bool
    refusals: list[RefusalOut]
    shares: list[BookShareOut]
    notes: list[RefusalOut]
    scenarios: list[RepoScenarioOut]
    flags: list[str]
    accounting_label: str
    accounting_reason: str
    accounting_reason_zh: str

    @classmethod
    def of(cls, value: RepoPreview) -> "RepoPreviewOut":
        """Copy the domain value."""
        start, label = value.start, value.label
        return cls(
            is_within_lendable=start.is_within_lendable,
            market_value_cny=str(start.market_value_cny),
            lendable_amount=str(start.lendable_amount),
            repurchase_price_amount=str(start.repurchase_price_amount),
            haircut_ratio=str(start.haircut_ratio),
            policy_haircut_ratio=str(value.policy_ratio),
            override_needed=value.override_needed,
            refusals=[RefusalOut.of(one) for one in start.refusals or ()],
            shares=[BookShareOut.of(one) for one in start.book.shares] if start.book else [],
            notes=[RefusalOut.of(one) for one in start.book.notes] if start.book else [],
            scenarios=[
                RepoScenarioOut(
                    name=one.name, label_zh=one.label_zh, label_en=one.label_en,
                    market_value_cny=str(one.market_value_cny), exposure_cny=str(one.exposure_cny),
                    call_amount=str(one.call_amount),
                )
                for one in value.scenarios
            ],
            flags=list(value.flags),
            accounting_label=str(label.label),
            accounting_reason=label.reason_en,
            accounting_reason_zh=label.reason_zh,
        )  # fmt: skip


class NetReturnOut(Struct, frozen=True, kw_only=True):
    """Cash margin that goes back under one repo, to the party that is owed."""

    code: str
    amount: str
    currency: str


class RepoNetOut(Struct, frozen=True, kw_only=True):
    """What two parties net under one opinion, as the day's run struck it: positive where the second owes margin.

    `returns` is the cash margin that goes back first; `called_code` the repo that carries the one call for the rest,
    null where none is made.
    """

    decision_id: str
    business_date: str
    opinion: str
    first_party_id: str
    second_party_id: str
    repo_codes: list[str]
    net_exposure_cny: str
    called_code: str | None
    call_amount: str
    currency: str | None
    returns: list[NetReturnOut]

    @classmethod
    def of(cls, net: NetMargin) -> "RepoNetOut":
        """Copy the domain value."""
        return cls(
            decision_id=net.decision_id,
            business_date=net.inputs.valuation_date.isoformat(),
            opinion=net.inputs.opinion,
            first_party_id=net.inputs.first_party_id,
            second_party_id=net.inputs.second_party_id,
            repo_codes=[one.code for one in net.inputs.repos],
            net_exposure_cny=str(net.outcome.net_exposure_cny),
            called_code=net.outcome.called_code,
            call_amount=str(net.outcome.call_amount),
            currency=None if net.outcome.currency is None else str(net.outcome.currency),
            returns=[
                NetReturnOut(code=one.code, amount=str(one.amount), currency=str(one.currency))
                for one in net.outcome.returns or ()
            ],
        )


class RepoOut(Struct, frozen=True, kw_only=True):
    """A repo with its exposure as of the business date; `net` where it is netted with others, and called with them.

    `margin_cash_amount` is the cash margin the buyer holds, negative where the seller holds it. It earns interest at
    `margin_rate`, null where none is agreed; `accrued_value_amount` is less both. `margin_return_amount` is
    what of it is needed no more, null where none is held.
    """

    repo_id: str
    code: str
    state: str
    seller_id: str
    buyer_id: str
    bank_role: str
    unit: str
    quantity_t: int
    purchase_date: str
    repurchase_date: str
    currency: str
    purchase_price_amount: str
    repurchase_price_amount: str
    rate: str
    haircut_ratio: str
    method: str
    accrued_value_amount: str
    accrued_value_cny: str
    market_value_cny: str
    exposure_a_cny: str
    exposure_b_cny: str
    exposure_cny: str
    margin_call_amount: str
    margin_call_units_t: int
    margin_return_amount: str | None
    margin_cash_amount: str
    margin_units_t: int
    margin_rate: str | None
    net: RepoNetOut | None
    flags: list[str]
    accounting_label: str
    accounting_reason: str
    accounting_reason_zh: str

    @classmethod
    def of(cls, repo: Repo, exposure: RepoExposureOutcome, net: NetMargin | None) -> "RepoOut":
        """Copy the domain values."""
        terms, label = repo.terms, label_of(repo)
        return cls(
            repo_id=repo.id,
            code=terms.code,
            state=repo.state,
            seller_id=repo.seller_id,
            buyer_id=repo.buyer_id,
            bank_role=repo.bank_role,
            unit=str(terms.unit),
            quantity_t=terms.quantity_t,
            purchase_date=terms.purchase_date.isoformat(),
            repurchase_date=terms.repurchase_date.isoformat(),
            currency=str(terms.currency),
            purchase_price_amount=str(terms.purchase_price_amount),
            repurchase_price_amount=str(exposure.repurchase_price_amount),
            rate=str(terms.rate),
            haircut_ratio=str(exposure.haircut_ratio),
            method=str(terms.method),
            accrued_value_amount=str(exposure.accrued_value_amount),
            accrued_value_cny=str(exposure.accrued_value_cny),
            market_value_cny=str(exposure.market_value_cny),
            exposure_a_cny=str(exposure.exposure_a_cny),
            exposure_b_cny=str(exposure.exposure_b_cny),
            exposure_cny=str(exposure.exposure_cny),
            margin_call_amount=str(exposure.margin_call_amount),
            margin_call_units_t=exposure.margin_call_units_t,
            margin_return_amount=None if exposure.margin_return_amount is None else str(exposure.margin_return_amount),
            margin_cash_amount=str(repo.margin_cash_amount),
            margin_units_t=repo.margin_units_t,
            margin_rate=None if terms.margin_rate is None else str(terms.margin_rate),
            net=None if net is None else RepoNetOut.of(net),
            flags=list(repo.flags),
            accounting_label=str(label.label),
            accounting_reason=label.reason_en,
            accounting_reason_zh=label.reason_zh,
        )


class HeadroomOut(Struct, frozen=True, kw_only=True):
    """Headroom of one scheme still to be surrendered, with its parts in tonnes."""

    surrender_date: str
    days_to_surrender: int
    holdings_t: int
    true_up_counted_t: int
    locked_past_deadline_t: int
    emissions_t: int
    buffer_t: int
    headroom_t: int
    unconfirmed: list[str]

    @classmethod
    def of(cls, outcome: HeadroomOutcome) -> "HeadroomOut":
        """Copy the domain value."""
        return cls(
            surrender_date=outcome.surrender_date.isoformat(),
            days_to_surrender=outcome.days_to_surrender,
            holdings_t=outcome.holdings_t,
            true_up_counted_t=outcome.true_up_counted_t,
            locked_past_deadline_t=outcome.locked_past_deadline_t,
            emissions_t=outcome.emissions_t,
            buffer_t=outcome.buffer_t,
            headroom_t=outcome.headroom_t,
            unconfirmed=list(outcome.unconfirmed),
        )


class HeadroomListOut(Struct, frozen=True, kw_only=True):
    """Headroom of an emitter, by scheme."""

    party_id: str
    business_date: str
    headrooms: list[HeadroomOut]
