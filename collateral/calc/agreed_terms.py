"""Margin terms as two parties agreed them for one agreement: amounts, lines, hours, calendar; dated by revision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from carbonfin.kernel.dates import Calendar
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency, Money
from collateral.calc.call_timing import CallTiming
from collateral.calc.coverage import CoverageLines
from collateral.calc.margin import Infinite, MarginTerms, Rounding, RoundingDirection

AgreementKind = Literal["pledge", "repo"]
CalendarChoice = Literal["bank", "exchange", "both"]
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedTerms:
    """The margin terms of one agreement; all amounts in `currency`.

    Attributes:
        agreement_code: The pledge's or repo's code.
        threshold: Exposure left without cover; None is without end: no margin is ever due.
        minimum_transfer: Smallest delivery or return; one equal to it moves; tested before rounding.
        rounding: Amounts move in whole multiples of this, deliveries and returns in their own direction.
        independent: Independent amount owed to the secured party on top of the exposure.
        initial_ratio: Coverage a call restores; the three lines are None for a repo, which has a haircut instead.
        warning_ratio: Coverage below which a call is made.
        disposal_ratio: Coverage below which the collateral may be sold.
        days_on_time: Business days from a call in time to its transfer.
        days_late: Business days from a late call to its transfer.
        grace_days: Business days after the deadline in which a transfer still cures.
        document: The contract and clause.
        valid_from: First business date the terms hold.
        eligible_currencies: Currencies in which the annex takes cash, as it writes them; None where it lists none, and
            then cash moves in `currency` alone.
        notice_address: Where and for whom notices are served (约定送达地址), as agreed; None where nothing was agreed.
    """

    agreement_kind: AgreementKind
    agreement_code: str
    currency: Currency
    threshold: Decimal | None
    minimum_transfer: Decimal
    rounding: Decimal
    delivery_direction: RoundingDirection
    return_direction: RoundingDirection
    independent: Decimal
    initial_ratio: Decimal | None
    warning_ratio: Decimal | None
    disposal_ratio: Decimal | None
    calendar: CalendarChoice
    zone: str
    notification_time: time
    transfer_time: time
    resolution_time: time
    days_on_time: int
    days_late: int
    resolution_days: int
    grace_days: int
    document: str
    valid_from: date
    eligible_currencies: tuple[str, ...] | None = None
    notice_address: str | None = None

    def __post_init__(self) -> None:
        """Refuse terms that cannot be kept, each with its field."""
        amounts = {
            "minimum_transfer": self.minimum_transfer,
            "rounding": self.rounding,
            "independent": self.independent,
        }
        if self.threshold is not None:
            amounts["threshold"] = self.threshold
        for name, amount in amounts.items():
            if amount < 0 or amount != amount.quantize(_CENT):
                raise InvalidInput(f"{name} is {amount}", zh="金额不能为负，且最多两位小数", field=name)
        if self.rounding == 0:
            raise InvalidInput("rounding is zero", zh="取整倍数须为正数", field="rounding")
        if not self.agreement_code.strip() or not self.document.strip():
            raise InvalidInput(
                "terms need an agreement and a document", zh="请填写协议编号与合同依据", field="document"
            )
        self._check_lines()
        self.require_eligible(self.currency.value)
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise InvalidInput(f"time zone {self.zone!r} is not known", zh="时区未知", field="zone") from error
        if not 0 <= self.days_on_time <= self.days_late or min(self.resolution_days, self.grace_days) < 0:
            raise InvalidInput(
                f"days {self.days_on_time}, {self.days_late}, {self.resolution_days}, {self.grace_days} out of order",
                zh="天数不能为负，且逾时通知的交付期不得早于按时通知",
                field="days_late",
            )

    def require_eligible(self, currency: str) -> None:
        """Hold that cash of a currency may move under these terms.

        Raises:
            InvalidInput: The annex does not list it; the eligible ones are named.
        """
        eligible = self.cash_currencies
        if currency not in eligible:
            listed = ", ".join(eligible)
            raise InvalidInput(
                f"{currency} is not a currency in which {self.agreement_code} takes cash; eligible: {listed}",
                zh=f"协议 {self.agreement_code} 不接受 {currency} 现金，合格币种为 {'、'.join(eligible)}",
                field="currency",
                remedy=f"Move cash in {listed}, or agree on further currencies first.",
                remedy_zh=f"请以 {'、'.join(eligible)} 交付，或先补充约定合格币种。",
            )

    @property
    def cash_currencies(self) -> tuple[str, ...]:
        """The currencies in which cash may move: those the annex lists, else the agreement's own."""
        return (self.currency.value,) if self.eligible_currencies is None else self.eligible_currencies

    def _check_lines(self) -> None:
        lines = (self.initial_ratio, self.warning_ratio, self.disposal_ratio)
        if self.agreement_kind == "repo":
            if any(line is not None for line in lines):
                raise InvalidInput(
                    "a repo has a haircut or margin ratio, no coverage lines",
                    zh="回购以折扣系数或保证金比例约定，不适用质押覆盖率线",
                    field="initial_ratio",
                )
            return
        stated = [line for line in lines if line is not None]
        if stated and (len(stated) != len(lines) or stated != sorted(stated, reverse=True) or stated[-1] <= 0):
            raise InvalidInput(
                f"coverage lines {stated} are incomplete or out of order",
                zh="三条覆盖率线须一并约定，且初始线不低于预警线、预警线不低于处置线",
                field="initial_ratio",
            )

    @property
    def hours(self) -> tuple[object, ...]:
        """What the timing hangs on: two agreements with the same hours and days have the same deadlines."""
        return (
            self.currency, self.calendar, self.zone, self.notification_time, self.transfer_time, self.resolution_time,
            self.days_on_time, self.days_late, self.resolution_days, self.grace_days,
        )  # fmt: skip

    @property
    def margin_terms(self) -> MarginTerms:
        """The amounts as the margin arithmetic takes them."""
        multiple = Money.of(self.rounding, self.currency)
        return MarginTerms(
            threshold=Infinite.INFINITE if self.threshold is None else Money.of(self.threshold, self.currency),
            minimum_transfer=Money.of(self.minimum_transfer, self.currency),
            delivery_rounding=Rounding(multiple=multiple, direction=self.delivery_direction),
            return_rounding=Rounding(multiple=multiple, direction=self.return_direction),
        )

    def timing(self, calendars: Mapping[str, Calendar]) -> CallTiming:
        """The hours and days, over the calendars named."""
        names = ("bank", "exchange") if self.calendar == "both" else (self.calendar,)
        return CallTiming(
            zone=ZoneInfo(self.zone),
            calendars=tuple(calendars[name] for name in names),
            notification_time=self.notification_time,
            transfer_time=self.transfer_time,
            resolution_time=self.resolution_time,
            days_on_time=self.days_on_time,
            days_late=self.days_late,
            resolution_days=self.resolution_days,
            grace_days=self.grace_days,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsRecord:
    """Approved terms at rest.

    Attributes:
        revision: From 1; a change is a further revision of the agreement.
    """

    id: str
    revision: int
    terms: AgreedTerms
    maker_name: str
    checker_name: str


def unagreed_terms(
    kind: AgreementKind, code: str, *, currency: Currency, minimum_transfer: Decimal, cure_days: int, valid_from: date
) -> AgreedTerms:
    """Give what holds where an agreement has no terms of its own: every cent is called, due after the cure days.

    Nothing is assumed that favours the pledgor: no threshold, no minimum beyond the contract's own, no grace.
    """
    return AgreedTerms(
        agreement_kind=kind, agreement_code=code, currency=currency, threshold=Decimal("0.00"),
        minimum_transfer=minimum_transfer, rounding=_CENT, delivery_direction=RoundingDirection.UP,
        return_direction=RoundingDirection.DOWN, independent=Decimal("0.00"), initial_ratio=None, warning_ratio=None,
        disposal_ratio=None, calendar="exchange", zone="Asia/Shanghai", notification_time=time.max,
        transfer_time=time.max, resolution_time=time.max, days_on_time=cure_days, days_late=cure_days,
        resolution_days=1, grace_days=0, document="未另行约定", valid_from=valid_from,
    )  # fmt: skip


def terms_payload(terms: AgreedTerms) -> dict[str, Any]:
    """Write terms as plain JSON, for the approval that two people sign."""
    return {
        name: None if (value := getattr(terms, name)) is None
        else value.isoformat() if isinstance(value, date | time)
        else value if isinstance(value, int)
        else list(value) if isinstance(value, tuple)
        else str(value)
        for name in AgreedTerms.__slots__
    }  # fmt: skip


def terms_of_payload(payload: Mapping[str, Any]) -> AgreedTerms:
    """Read terms back from what two people signed; what else was signed with them is no term."""
    found = {name: payload[name] for name in AgreedTerms.__slots__ if name in payload}
    for name in ("threshold", "minimum_transfer", "rounding", "independent", *_LINES):
        found[name] = None if found[name] is None else Decimal(found[name])
    for name in ("notification_time", "transfer_time", "resolution_time"):
        found[name] = time.fromisoformat(found[name])
    found["currency"] = Currency(found["currency"])
    for name in ("delivery_direction", "return_direction"):
        found[name] = RoundingDirection(found[name])
    found["valid_from"] = date.fromisoformat(found["valid_from"])
    if found.get("eligible_currencies") is not None:
        found["eligible_currencies"] = tuple(found["eligible_currencies"])
    return AgreedTerms(**found)


def lines_below(terms: AgreedTerms, own: CoverageLines) -> tuple[str, str] | None:
    """Give the bank's own lines and the agreed ones in words where one of them lies below; None where none does."""
    ruled = (own.initial.decimal, own.warning.decimal, own.disposal.decimal)
    used = tuple(getattr(terms, name) for name in _LINES)
    if not any(line is not None and line < policy for line, policy in zip(used, ruled, strict=True)):
        return None
    return _lines_in_words(ruled), _lines_in_words(used)


def _lines_in_words(lines: Sequence[Decimal]) -> str:
    return "、".join(f"{name} {line}" for name, line in zip(_LINE_NAMES, lines, strict=True))


_LINES = ("initial_ratio", "warning_ratio", "disposal_ratio")
_LINE_NAMES = ("初始线", "预警线", "处置线")
