"""Events of repos as the API takes and shows them."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.units import parse_decimal
from carbonfin.web.wire import CnyText, DayText, PriceText, QuantityT, RateText, UnitText, day_of
from collateral.calc.close_out import RepoSide
from collateral.calc.repo_event_values import RepoEventDraft, RepoEventKind, RepoEventOutcome, ValueEvidence
from collateral.schemas.book_limits import BookShareOut
from collateral.schemas.changes import ReasonText
from collateral.schemas.pledges import RefusalOut
from collateral.service import RepoEvent
from collateral.service.repo_events import EVENT_TITLES

_QUOTES_MAX = 20


class ValueEvidenceIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the units are worth after a default, in CNY: a deal in time, else two quotes or more, else fair value."""

    dealt_on: DayText | None = None
    dealt_cny: CnyText | None = None
    quotes_cny_per_t: Annotated[list[PriceText], Meta(max_length=_QUOTES_MAX)] = []
    fair_cny_per_t: PriceText | None = None
    costs_cny: CnyText = "0.00"

    def value(self) -> ValueEvidence:
        """Give the domain value."""
        return ValueEvidence(
            dealt_on=None if self.dealt_on is None else day_of(self.dealt_on, field="evidence.dealt_on"),
            dealt_cny=None if self.dealt_cny is None else parse_decimal(self.dealt_cny, field="evidence.dealt_cny"),
            quotes_cny_per_t=tuple(
                parse_decimal(one, field="evidence.quotes_cny_per_t") for one in self.quotes_cny_per_t
            ),
            fair_cny_per_t=None
            if self.fair_cny_per_t is None
            else parse_decimal(self.fair_cny_per_t, field="evidence.fair_cny_per_t"),
            costs_cny=parse_decimal(self.costs_cny, field="evidence.costs_cny"),
        )


class RepoEventIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event asked for; which fields it needs hangs on `kind`, and what is missing is named.

    `reprice`, `adjust`, `settle`: none. `rate`: rate. `substitute`: unit, or quantity_t too. `roll`: code,
    repurchase_date, rate, purchase_price_amount. `terminate`: notice_days. `fail`, `default`: party. `deliver`:
    quantity_t of a part, is_price_paid. `mini_close_out`: is_price_paid, or evidence. `close_out`: evidence.
    """

    kind: Literal[
        "reprice", "rate", "adjust", "substitute", "roll", "terminate", "settle", "fail", "deliver", "mini_close_out",
        "default", "close_out",
    ]  # fmt: skip
    reason: ReasonText
    rate: RateText | None = None
    unit: UnitText | None = None
    quantity_t: QuantityT | None = None
    code: Annotated[str, Meta(max_length=64)] = ""
    repurchase_date: DayText | None = None
    purchase_price_amount: CnyText | None = None
    notice_days: Annotated[int, Meta(ge=0, le=366)] | None = None
    party: Literal["seller", "buyer"] | None = None
    defaulted_on: DayText | None = None
    is_price_paid: bool = False
    evidence: ValueEvidenceIn | None = None

    def draft(self) -> RepoEventDraft:
        """Give the domain value.

        Raises:
            InvalidInput: A field is missing or cannot be; it is named.
        """
        price, rate = self.purchase_price_amount, self.rate
        return RepoEventDraft(
            kind=RepoEventKind(self.kind), reason=self.reason,
            rate=None if rate is None else parse_decimal(rate, field="rate"),
            unit=None if self.unit is None else Unit.parse(self.unit), quantity_t=self.quantity_t, code=self.code,
            repurchase_date=None
            if self.repurchase_date is None
            else day_of(self.repurchase_date, field="repurchase_date"),
            purchase_price_amount=None if price is None else parse_decimal(price, field="purchase_price_amount"),
            notice_days=self.notice_days, party=None if self.party is None else RepoSide(self.party),
            defaulted_on=None if self.defaulted_on is None else day_of(self.defaulted_on, field="defaulted_on"),
            is_price_paid=self.is_price_paid, evidence=None if self.evidence is None else self.evidence.value(),
        )  # fmt: skip


class UnitMoveOut(Struct, frozen=True, kw_only=True):
    """Units whose title passes to a party."""

    unit: str
    quantity_t: int
    to: str


class ClosingOut(Struct, frozen=True, kw_only=True):
    """What a close-out leaves, in the cash currency.

    `surplus_to_seller_amount` and `shortfall_amount` hold if a court reads the repo as security by transfer.
    """

    claim_amount: str
    value_amount: str
    basis: str | None
    net_owed_by_seller_amount: str
    surplus_to_seller_amount: str
    shortfall_amount: str


class RepoEventPreviewOut(Struct, frozen=True, kw_only=True):
    """What an event would do, and every reason against it."""

    is_acceptable: bool
    state_after: str
    cash_to_buyer_amount: str
    currency: str
    quantity_after_t: int
    unit_after: str
    purchase_price_after_amount: str
    repurchase_date_after: str
    margin_cash_after_amount: str
    moves: list[UnitMoveOut]
    closing: ClosingOut | None
    refusals: list[RefusalOut]
    shares: list[BookShareOut]
    notes: list[RefusalOut]
    unconfirmed: list[str]

    @classmethod
    def of(cls, value: RepoEventOutcome) -> "RepoEventPreviewOut":
        """Copy the domain value."""
        terms, closing = value.terms, value.closing
        return cls(
            is_acceptable=not value.refusals,
            state_after=value.state_after,
            cash_to_buyer_amount=str(value.cash_to_buyer_amount),
            currency=str(terms.currency),
            quantity_after_t=terms.quantity_t,
            unit_after=str(terms.unit),
            purchase_price_after_amount=str(terms.purchase_price_amount),
            repurchase_date_after=terms.repurchase_date.isoformat(),
            margin_cash_after_amount=str(value.margin_cash_amount),
            moves=[UnitMoveOut(unit=str(one.unit), quantity_t=one.quantity_t, to=str(one.to)) for one in value.moves],
            closing=None
            if closing is None
            else ClosingOut(
                claim_amount=str(closing.claim_amount), value_amount=str(closing.value_amount),
                basis=None if closing.basis is None else str(closing.basis),
                net_owed_by_seller_amount=str(closing.net_owed_by_seller_amount),
                surplus_to_seller_amount=str(closing.surplus_to_seller_amount),
                shortfall_amount=str(closing.shortfall_amount),
            ),
            refusals=[RefusalOut.of(one) for one in value.refusals],
            shares=[BookShareOut.of(one) for one in value.book.shares] if value.book else [],
            notes=[RefusalOut.of(one) for one in value.book.notes] if value.book else [],
            unconfirmed=list(value.unconfirmed),
        )  # fmt: skip


class RepoEventOut(Struct, frozen=True, kw_only=True):
    """What happened to a repo, carried out by two people."""

    event_id: str
    kind: str
    kind_zh: str
    place: int
    state_before: str
    state_after: str
    business_date: str
    happened_at: str
    maker_name: str
    checker_name: str
    cause: str
    approval_id: str
    decision_id: str
    party: str | None
    cash_to_buyer_amount: str
    currency: str
    moves: list[UnitMoveOut]

    @classmethod
    def of(cls, value: RepoEvent) -> "RepoEventOut":
        """Copy the domain value."""
        return cls(
            event_id=value.id,
            kind=str(value.kind),
            kind_zh=EVENT_TITLES[value.kind][0],
            place=value.place,
            state_before=value.state_before,
            state_after=value.state_after,
            business_date=value.business_date.isoformat(),
            happened_at=value.happened_at.isoformat().replace("+00:00", "Z"),
            maker_name=value.maker_name,
            checker_name=value.checker_name,
            cause=value.cause,
            approval_id=value.approval_id,
            decision_id=value.decision_id,
            party=None if value.party is None else str(value.party),
            cash_to_buyer_amount=str(value.cash_to_buyer_amount),
            currency=value.currency,
            moves=[UnitMoveOut(unit=unit, quantity_t=quantity_t, to=str(to)) for unit, quantity_t, to in value.moves],
        )


class RepoEventListOut(Struct, frozen=True, kw_only=True):
    """What happened to a repo, the first first, and for how many open days its settlement has been failing."""

    fail_age_days: int | None
    events: list[RepoEventOut]
