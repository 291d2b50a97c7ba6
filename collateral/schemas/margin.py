"""Margin terms and calls as the API takes and shows them."""

from datetime import time
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency, parse_decimal
from carbonfin.web.proposals import ProposedOut
from carbonfin.web.sent_files import bytes_of
from carbonfin.web.wire import CnyText, DayText, IdText, NoteText, day_of
from collateral.calc.agreed_terms import AgreedTerms, TermsRecord
from collateral.calc.agreements import CallEvent, MarginCall
from collateral.calc.cdm_nodes import document_of
from collateral.calc.csa_figures import CsaFigures, figures_of
from collateral.calc.csa_terms import CsaParty, read_csa
from collateral.calc.eligibility import Rating
from collateral.calc.margin import RoundingDirection
from collateral.service import CallStep, steps_from

LineText = Annotated[
    str,
    Meta(
        pattern=r"^[0-9](\.[0-9]{1,10})?$",
        description="A coverage line as a ratio, as plain text: 110 % is 1.10.",
        examples=["1.10"],
    ),
]
HourText = Annotated[
    str,
    Meta(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="An hour in the time zone of the terms, HH:MM.",
        examples=["11:00"],
    ),
]
DaysCount = Annotated[int, Meta(ge=0, le=60, description="Business days of the calendars named.")]
CurrencyCode = Annotated[
    str, Meta(pattern=r"^[A-Z]{3}$", description="ISO 4217 code, and CNH for offshore renminbi.", examples=["CNY"])
]
ZoneText = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z_]+(/[A-Za-z_+-]+)*$",
        max_length=40,
        description="IANA time zone.",
        examples=["Asia/Shanghai"],
    ),
]


class CsaRatingIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A long-term rating of the pledgor, as its agency writes it."""

    agency: Annotated[str, Meta(min_length=1, max_length=40)]
    notation: Annotated[str, Meta(min_length=1, max_length=20)]


class CsaIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A credit support annex as FINOS CDM JSON, and whose terms of it are meant.

    `party` is the pledgor; `events` are those that go on (they may set an amount to zero), `ratings` the pledgor's own.
    """

    content_base64: Annotated[str, Meta(min_length=4, max_length=2_000_000)]
    party: Literal["PARTY_1", "PARTY_2"]
    events: Annotated[list[Annotated[str, Meta(max_length=100)]], Meta(max_length=50)] = []
    ratings: Annotated[list[CsaRatingIn], Meta(max_length=20)] = []

    def figures(self, *, independent: Decimal | None) -> CsaFigures:
        """Read the figures of the annex.

        Raises:
            InvalidInput: It is no annex, or a figure of it cannot be kept here.
            MissingData: A rating, a business centre or an independent amount agreed in words is not known.
        """
        return figures_of(
            read_csa(self._document()), CsaParty(self.party), events=frozenset(self.events),
            ratings=tuple(Rating(agency=one.agency, notation=one.notation) for one in self.ratings),
            independent=independent,
        )  # fmt: skip

    def _document(self) -> object:
        try:
            return document_of(bytes_of(self.content_base64))
        except ValueError as error:
            raise InvalidInput(
                f"the annex is not JSON: {error}", zh="协议文件不是 JSON", field="csa",
                remedy="Send the annex as CDM JSON.", remedy_zh="请上传 CDM JSON 格式的协议。",
            ) from error  # fmt: skip


class MarginTermsIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Margin terms of one agreement, to be approved by another person; `threshold` null means that none is ever due.

    Left out, the currency is CNY, threshold and minimum transfer are 0.00, rounding is 0.01, up for a delivery and down
    for a return, in Asia/Shanghai; the hours of notification and resolution must be given. With `csa` all these are the
    annex's: leave them out; one given otherwise than the annex is refused, whatever it would be without one.
    `independent` left out is nothing, or what the annex fixes; one agreed by rating or in words must be given, be it 0.
    `eligible_currencies` left out are the annex's; without an annex cash moves in `currency` alone. `notice_address` is
    where and for whom notices are served, as the contract says it; letters without one say so.
    """

    agreement_kind: Literal["pledge", "repo"]
    agreement_code: IdText
    currency: Literal["CNY", "CNH", "HKD", "USD", "EUR"] | UnsetType = UNSET
    threshold: CnyText | UnsetType | None = UNSET
    minimum_transfer: CnyText | UnsetType = UNSET
    rounding: CnyText | UnsetType = UNSET
    delivery_direction: Literal["up", "down", "nearest"] | UnsetType = UNSET
    return_direction: Literal["up", "down", "nearest"] | UnsetType = UNSET
    independent: CnyText | None = None
    initial_ratio: LineText | None = None
    warning_ratio: LineText | None = None
    disposal_ratio: LineText | None = None
    calendar: Literal["bank", "exchange", "both"] = "bank"
    zone: ZoneText | UnsetType = UNSET
    notification_time: HourText | UnsetType = UNSET
    transfer_time: HourText
    resolution_time: HourText | UnsetType = UNSET
    days_on_time: DaysCount
    days_late: DaysCount
    resolution_days: DaysCount
    grace_days: DaysCount
    document: NoteText
    valid_from: DayText
    reason: NoteText
    csa: CsaIn | None = None
    eligible_currencies: Annotated[list[CurrencyCode], Meta(min_length=1, max_length=20)] | None = None
    notice_address: NoteText | None = None

    def with_annex(self) -> "MarginTermsIn":
        """Give the terms with the figures of their annex, or as they are without one.

        Raises:
            InvalidInput: A field says otherwise than the annex; nothing is overruled in silence.
        """
        if self.csa is None:
            return self
        entered = None if self.independent is None else parse_decimal(self.independent, field="independent")
        found = self.csa.figures(independent=entered)
        told: dict[str, str | None] = {
            "currency": found.currency.value,
            "threshold": None if found.threshold is None else str(found.threshold),
            "minimum_transfer": str(found.minimum_transfer),
            "rounding": str(found.rounding),
            "delivery_direction": found.delivery_direction.value,
            "return_direction": found.return_direction.value,
            "independent": str(found.independent),
            "zone": found.zone,
            "resolution_time": f"{found.resolution_time:%H:%M}",
        }
        if found.notification_time is not None:
            told["notification_time"] = f"{found.notification_time:%H:%M}"
        for name, value in told.items():
            given: str | UnsetType | None = getattr(self, name)
            if given is UNSET or (name == "independent" and given is None):
                continue
            if given != value:
                raise InvalidInput(
                    f"{name} is given as {given}, the annex says {value}",
                    zh=f"{name} 填写为 {given}，协议约定为 {value}",
                    field=name,
                    remedy="Leave the field out, or correct the annex.",
                    remedy_zh="请留空该项，或更正协议文件。",
                )
        listed = None if found.eligible_currencies is None else list(found.eligible_currencies)
        if self.eligible_currencies is not None and listed is not None and set(self.eligible_currencies) != set(listed):
            raise InvalidInput(
                f"eligible_currencies is given as {', '.join(self.eligible_currencies)}, the annex lists"
                f" {', '.join(listed)}",
                zh=f"合格币种填写为 {'、'.join(self.eligible_currencies)}，协议约定为 {'、'.join(listed)}",
                field="eligible_currencies",
                remedy="Leave the field out, or correct the annex.",
                remedy_zh="请留空该项，或更正协议文件。",
            )
        return msgspec.structs.replace(self, csa=None, eligible_currencies=listed or self.eligible_currencies, **told)

    def terms(self) -> AgreedTerms:
        """Give the domain value.

        Raises:
            InvalidInput: The terms cannot be kept; the field is named.
        """

        def number(name: str) -> Decimal | None:
            text = self._said(name)
            return None if text is None else parse_decimal(text, field=name)

        def amount(name: str) -> Decimal:
            return number(name) or Decimal("0.00")

        if self.csa is not None:
            return self.with_annex().terms()
        return AgreedTerms(
            agreement_kind=self.agreement_kind, agreement_code=self.agreement_code,
            currency=Currency(self._said("currency") or ""), threshold=number("threshold"),
            minimum_transfer=amount("minimum_transfer"), rounding=amount("rounding"),
            delivery_direction=RoundingDirection(self._said("delivery_direction") or ""),
            return_direction=RoundingDirection(self._said("return_direction") or ""),
            independent=amount("independent"), initial_ratio=number("initial_ratio"),
            warning_ratio=number("warning_ratio"), disposal_ratio=number("disposal_ratio"), calendar=self.calendar,
            zone=self._said("zone") or "", notification_time=self._hour("notification_time"),
            transfer_time=self._hour("transfer_time"), resolution_time=self._hour("resolution_time"),
            days_on_time=self.days_on_time, days_late=self.days_late, resolution_days=self.resolution_days,
            grace_days=self.grace_days, document=self.document, valid_from=day_of(self.valid_from, field="valid_from"),
            eligible_currencies=tuple(sorted(set(self.eligible_currencies))) if self.eligible_currencies else None,
            notice_address=self.notice_address,
        )  # fmt: skip

    def _said(self, name: str) -> str | None:
        """Give a field as given, or what it is where it is left out."""
        given: str | UnsetType | None = getattr(self, name)
        return _LEFT_OUT[name] if isinstance(given, UnsetType) else given

    def _hour(self, name: str) -> time:
        given: str | UnsetType = getattr(self, name)
        if isinstance(given, UnsetType):
            raise InvalidInput(
                f"{name} is not given, and no annex says it", zh="请填写时刻；协议文件也没有约定", field=name,
                remedy="Give the hour as HH:MM.", remedy_zh="时刻写作 HH:MM。",
            )  # fmt: skip
        return time.fromisoformat(given)


_LEFT_OUT = {
    "currency": "CNY", "threshold": "0.00", "minimum_transfer": "0.00", "rounding": "0.01",
    "delivery_direction": "up", "return_direction": "down", "zone": "Asia/Shanghai",
}  # fmt: skip


class MarginTermsOut(Struct, frozen=True, kw_only=True):
    """Approved terms of an agreement in one revision."""

    terms_id: str
    revision: int
    agreement_kind: str
    agreement_code: str
    currency: str
    threshold: str | None
    minimum_transfer: str
    rounding: str
    delivery_direction: str
    return_direction: str
    independent: str
    initial_ratio: str | None
    warning_ratio: str | None
    disposal_ratio: str | None
    calendar: str
    zone: str
    notification_time: str
    transfer_time: str
    resolution_time: str
    days_on_time: int
    days_late: int
    resolution_days: int
    grace_days: int
    document: str
    valid_from: str
    cash_currencies: list[str]
    notice_address: str | None
    maker: str
    checker: str

    @classmethod
    def of(cls, record: TermsRecord) -> "MarginTermsOut":
        """Copy the domain value."""
        terms = record.terms

        def text(value: Decimal | None) -> str | None:
            return None if value is None else str(value)

        return cls(
            terms_id=record.id, revision=record.revision, agreement_kind=terms.agreement_kind,
            agreement_code=terms.agreement_code, currency=str(terms.currency), threshold=text(terms.threshold),
            minimum_transfer=str(terms.minimum_transfer), rounding=str(terms.rounding),
            delivery_direction=str(terms.delivery_direction), return_direction=str(terms.return_direction),
            independent=str(terms.independent), initial_ratio=text(terms.initial_ratio),
            warning_ratio=text(terms.warning_ratio), disposal_ratio=text(terms.disposal_ratio),
            calendar=terms.calendar, zone=terms.zone, notification_time=f"{terms.notification_time:%H:%M}",
            transfer_time=f"{terms.transfer_time:%H:%M}", resolution_time=f"{terms.resolution_time:%H:%M}",
            days_on_time=terms.days_on_time, days_late=terms.days_late, resolution_days=terms.resolution_days,
            grace_days=terms.grace_days, document=terms.document, valid_from=terms.valid_from.isoformat(),
            cash_currencies=list(terms.cash_currencies), notice_address=terms.notice_address,
            maker=record.maker_name, checker=record.checker_name,
        )  # fmt: skip


class MarginTermsListOut(Struct, frozen=True, kw_only=True):
    """Every revision of an agreement's terms, and what waits for approval."""

    agreement_code: str
    revisions: list[MarginTermsOut]
    waiting: ProposedOut | None


class CallStepIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step of a call, with its evidence.

    `dispute` with an amount: that undisputed part moves at once, the rest is disputed. `receive`: what came in; always
    accepted while the call is open. `resolve`: the recalculated amount. `late-cure` and `declare-default` wait for
    another person. `currency`, where given, is that of the cash that moved: one the agreement does not take is refused
    with those it does.
    """

    step: Literal[
        "agree", "dispute", "resolve", "accept", "send", "transfer-failed", "resend", "receive", "retract", "late-cure",
        "declare-default",
    ]  # fmt: skip
    words: Annotated[str, Meta(min_length=1, max_length=500, description="Why, or the evidence.")]
    amount: CnyText | None = None
    currency: CurrencyCode | None = None

    def domain(self) -> CallStep:
        """Give the domain value."""
        amount = None if self.amount is None else parse_decimal(self.amount, field="amount")
        return CallStep(name=self.step, words=self.words, amount=amount, currency=self.currency)


class MarginCallOut(Struct, frozen=True, kw_only=True):
    """A call for margin, or a return of it; instants are in UTC."""

    call_id: str
    agreement_code: str
    direction: str
    part: int
    state: str
    issued_on: str
    deadline: str | None
    deadline_at: str | None
    resolution_at: str | None
    grace_end_at: str | None
    currency: str
    amount: str
    received_amount: str
    outstanding_amount: str
    decision_id: str
    terms_id: str | None
    closed_on: str | None
    next_steps: list[str]

    @classmethod
    def of(cls, call: MarginCall) -> "MarginCallOut":
        """Copy the domain value."""
        instants = (call.deadline_at, call.resolution_at, call.grace_end_at)
        deadline_at, resolution_at, grace_end_at = (None if one is None else one.isoformat() for one in instants)
        return cls(
            call_id=call.id, agreement_code=call.agreement_code, direction=call.direction, part=call.part,
            state=call.state, issued_on=call.issued_on.isoformat(),
            deadline=None if call.deadline is None else call.deadline.isoformat(), deadline_at=deadline_at,
            resolution_at=resolution_at, grace_end_at=grace_end_at, currency=call.currency,
            amount=str(call.cash_amount), received_amount=str(call.received_amount),
            outstanding_amount=str(call.outstanding_amount), decision_id=call.decision_id, terms_id=call.terms_id,
            closed_on=None if call.closed_on is None else call.closed_on.isoformat(),
            next_steps=list(steps_from(call)),
        )  # fmt: skip


class CallEventOut(Struct, frozen=True, kw_only=True):
    """One step of a call."""

    event: str
    state_before: str
    state_after: str
    amount: str
    business_date: str
    happened_at: str
    actor: str
    cause: str

    @classmethod
    def of(cls, event: CallEvent) -> "CallEventOut":
        """Copy the domain value."""
        return cls(
            event=event.event, state_before=event.state_before, state_after=event.state_after,
            amount=str(event.amount), business_date=event.business_date.isoformat(),
            happened_at=event.happened_at.isoformat(), actor=event.actor_name, cause=event.cause,
        )  # fmt: skip


class MarginCallListOut(Struct, frozen=True, kw_only=True):
    """Calls, the newest first."""

    calls: list[MarginCallOut]


class MarginCallDetailOut(Struct, frozen=True, kw_only=True):
    """A call with its timeline."""

    call: MarginCallOut
    timeline: list[CallEventOut]
