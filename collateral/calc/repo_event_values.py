"""What is asked to happen to a repo, what that hangs on, and what comes of it; each kind by its edges of the life."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.record import ADDED_LATER
from carbonfin.rules.trace import Figure
from collateral.calc.book_limits import BookFindings, BookLimits
from collateral.calc.cash_margin import MarginStep
from collateral.calc.close_out import RepoSide, ValueBasis
from collateral.calc.coverage import PriceUsed
from collateral.calc.haircuts import Haircut
from collateral.calc.lifecycles import REPO
from collateral.calc.refusals import Refusal
from collateral.calc.repo import FxUsed, RepoTerms
from collateral.calc.schedule_verdicts import ScheduledUnits


class RepoEventKind(StrEnum):
    """What may happen to a repo once its contract is signed."""

    REPRICE = "reprice"
    RATE = "rate"
    ADJUST = "adjust"
    SUBSTITUTE = "substitute"
    ROLL = "roll"
    TERMINATE = "terminate"
    SETTLE = "settle"
    FAIL = "fail"
    DELIVER = "deliver"
    MINI_CLOSE_OUT = "mini_close_out"
    DEFAULT = "default"
    CLOSE_OUT = "close_out"


_CHANGED = MappingProxyType({"OPEN": ("reprice or adjust", "settled")})
_CLOSED_OUT = "default market value, net, set-off"
PATHS: Mapping[RepoEventKind, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        RepoEventKind.REPRICE: _CHANGED,
        RepoEventKind.RATE: _CHANGED,
        RepoEventKind.ADJUST: _CHANGED,
        RepoEventKind.SUBSTITUTE: {"OPEN": ("substitution agreed", "new in, then old out")},
        RepoEventKind.ROLL: {"OPEN": ("roll",)},
        RepoEventKind.TERMINATE: {"OPEN": ("terminate on demand",)},
        RepoEventKind.SETTLE: {
            "OPEN": ("repurchase_date", "DvP"),
            "EARLY_TERM_NOTICED": ("date", "DvP"),
            "END_FAILED": ("late",),
        },
        RepoEventKind.FAIL: {"OPEN": ("repurchase_date", "fails"), "EARLY_TERM_NOTICED": ("date", "fails")},
        RepoEventKind.DELIVER: {"START_FAILED": ("partial accepted / re-deliver",)},
        RepoEventKind.MINI_CLOSE_OUT: {
            "START_FAILED": ("mini close-out",),
            "END_FAILED": ("notice", _CLOSED_OUT),
        },
        RepoEventKind.DEFAULT: {"OPEN": ("event of default",), "END_FAILED": ("notice",)},
        RepoEventKind.CLOSE_OUT: {"DEFAULTED": (_CLOSED_OUT,)},
    }
)
"""Kind, and state it begins in, to the edges of the repo's life that it takes."""


def path_of(kind: RepoEventKind, state: str) -> tuple[tuple[str, ...], str]:
    """Give the edges that a kind of event takes from a state, and the state it ends in.

    Raises:
        Conflict: The life of a repo has no such edge.
    """
    edges = PATHS[kind].get(state) or next(iter(PATHS[kind].values()))
    for edge in edges:
        state = REPO.after(state, edge)
    return edges, state


def kinds_from(state: str) -> tuple[RepoEventKind, ...]:
    """Give the kinds of events that may happen in a state."""
    return tuple(kind for kind, paths in PATHS.items() if state in paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueEvidence:
    """What is known of the value of the units after a default; amounts in CNY.

    Attributes:
        dealt_on: The day on which all the units were sold or bought in, if they were.
        dealt_cny: What that brought or cost, before costs.
        quotes_cny_per_t: Quotes of others.
        fair_cny_per_t: The non-defaulting party's own fair value.
        costs_cny: What dealing costs.
    """

    dealt_on: date | None = None
    dealt_cny: Decimal | None = None
    quotes_cny_per_t: tuple[Decimal, ...] = ()
    fair_cny_per_t: Decimal | None = None
    costs_cny: Decimal = Decimal("0.00")

    def __post_init__(self) -> None:
        """Refuse half a deal."""
        if (self.dealt_on is None) is not (self.dealt_cny is None):
            raise InvalidInput("a deal needs day and amount", zh="成交须同时填写日期与金额", field="dealt_on")


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoEventDraft:
    """An event as it is asked for; which fields it needs hangs on its kind.

    Attributes:
        rate: The new pricing rate (rate, roll).
        unit: The unit that comes in (substitute).
        quantity_t: How many tonnes come in (substitute; None takes the fewest that cover), or were delivered late
            (deliver; None takes all).
        code: The code of the repo that takes the old one's place (roll).
        repurchase_date: Its last day (roll).
        purchase_price_amount: Its purchase price (roll).
        notice_days: Open days of notice that the contract asks for (terminate).
        party: Who failed or defaulted (fail, default; close-out where no default is on record).
        defaulted_on: The day of the default (close-out where no default is on record).
        is_price_paid: Whether the buyer had paid although nothing was delivered (deliver, mini close-out of a start).
        evidence: What the units are worth (close-out, mini close-out of an end).
    """

    kind: RepoEventKind
    reason: str
    rate: Decimal | None = None
    unit: Unit | None = None
    quantity_t: int | None = None
    code: str = ""
    repurchase_date: date | None = None
    purchase_price_amount: Decimal | None = None
    notice_days: int | None = None
    party: RepoSide | None = None
    defaulted_on: date | None = None
    is_price_paid: bool = False
    evidence: ValueEvidence | None = None

    def __post_init__(self) -> None:
        """Refuse an event that lacks what its kind needs."""
        if not self.reason.strip():
            raise InvalidInput("say why", zh="请填写理由与依据", field="reason")
        for name in _NEEDED.get(self.kind, ()):
            if not getattr(self, name) and getattr(self, name) != 0:
                raise InvalidInput(
                    f"a {self.kind.replace('_', ' ')} needs {name}", zh=f"请填写{_NAMES_ZH[name]}", field=name
                )
        if self.quantity_t is not None and self.quantity_t <= 0:
            raise InvalidInput("the quantity is not positive", zh="数量须为正整数", field="quantity_t")
        if self.notice_days is not None and self.notice_days < 0:
            raise InvalidInput("the notice is negative", zh="通知期不能为负", field="notice_days")


_NEEDED: Mapping[RepoEventKind, tuple[str, ...]] = MappingProxyType(
    {
        RepoEventKind.RATE: ("rate",),
        RepoEventKind.SUBSTITUTE: ("unit",),
        RepoEventKind.ROLL: ("code", "repurchase_date", "rate", "purchase_price_amount"),
        RepoEventKind.TERMINATE: ("notice_days",),
        RepoEventKind.FAIL: ("party",),
        RepoEventKind.DEFAULT: ("party",),
        RepoEventKind.CLOSE_OUT: ("evidence",),
    }
)
_NAMES_ZH = MappingProxyType(
    {
        "rate": "回购利率", "unit": "换入品种", "code": "新回购编号", "repurchase_date": "新购回日",
        "purchase_price_amount": "新首期价款", "notice_days": "通知天数", "party": "违约或失败方",
        "evidence": "违约估值依据",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SideUnits:
    """Free units of one party, who is to give some."""

    side: RepoSide
    unit: Unit
    free_t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsOfDay:
    """What an event hangs on beside terms and market, as it stood on the day.

    Attributes:
        ends_on: The repurchase date that a notice given today leads to.
        failing: Who failed to settle, where that is on record.
        age_days: Open days for which the settlement has been failing.
        defaulter: Who defaulted.
        defaulted_on: When.
        valuation_day: The last day on which a deal counts for the default market value.
        dealing_days: Open days from the default to it, and whether that figure is confirmed.
        dealing_days_confirmed: Whether somebody confirmed that figure.
        held: Free units of those who are to give.
    """

    ends_on: date | None = None
    failing: RepoSide | None = None
    age_days: int | None = None
    defaulter: RepoSide | None = None
    defaulted_on: date | None = None
    valuation_day: date | None = None
    dealing_days: int | None = None
    dealing_days_confirmed: bool = True
    held: tuple[SideUnits, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoEventInputs:
    """Everything an event hangs on.

    Attributes:
        price: Price of the unit in question on the day; None where the event needs none.
        haircut: Its haircut; None where the event needs none.
        margin_cash_amount: Cash margin the buyer holds; negative where the seller holds it.
        margin_steps: How it came about by day, which its interest hangs on.
        schedules: Of the bank, asked of the units that may come in; None where there are none, or the repo is no deal
            of its own.
        book: The limits of concentration that units which come in or stay longer count towards; None where none does.
        price_out: Price of the units that would leave by a substitution; None elsewhere, or where there is none.
    """

    asked: RepoEventDraft
    on: date
    terms: RepoTerms
    state: str
    margin_cash_amount: Decimal
    margin_units_t: int
    fx: FxUsed
    price: PriceUsed | None
    haircut: Haircut | None
    facts: FactsOfDay
    margin_steps: tuple[MarginStep, ...] | None = field(default=None, metadata=ADDED_LATER)
    schedules: ScheduledUnits | None = field(default=None, metadata=ADDED_LATER)
    book: BookLimits | None = field(default=None, metadata=ADDED_LATER)
    price_out: PriceUsed | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitMove:
    """Units whose title passes to a party."""

    unit: Unit
    quantity_t: int
    to: RepoSide


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What is left of a repo that was closed out, in its cash currency.

    Attributes:
        claim_amount: The repurchase price to the day, owed by the seller.
        value_cny: Default market value of the units after costs; None where none were delivered.
        net_owed_by_seller_amount: The one sum; negative where the buyer owes.
        surplus_to_seller_amount: What goes back if a court reads the repo as security (让与担保).
        shortfall_amount: What stays a claim then.
    """

    claim_amount: Decimal
    value_cny: Decimal | None
    value_amount: Decimal
    basis: ValueBasis | None
    net_owed_by_seller_amount: Decimal
    surplus_to_seller_amount: Decimal
    shortfall_amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What an event does to terms, cash, margin and units, before it is held against the reasons to refuse it."""

    terms: RepoTerms
    margin_cash_amount: Decimal
    cash_to_buyer_amount: Decimal = Decimal("0.00")
    moves: tuple[UnitMove, ...] = ()
    closing: Closing | None = None
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoEventOutcome:
    """What comes of an event; with a refusal nothing does.

    Attributes:
        edges: The edges of the repo's life that are taken.
        terms: The terms after it; of a roll, those of the new repo.
        margin_cash_amount: Cash margin the buyer holds after it.
        cash_to_buyer_amount: What the seller pays, in the cash currency; negative where the buyer pays.
        moves: Units whose title passes, in the order in which it does.
        book: What the limits of concentration say; None where nothing limits what comes in.
    """

    edges: tuple[str, ...]
    state_after: str
    terms: RepoTerms
    margin_cash_amount: Decimal
    cash_to_buyer_amount: Decimal
    moves: tuple[UnitMove, ...]
    closing: Closing | None
    refusals: tuple[Refusal, ...]
    unconfirmed: tuple[str, ...]
    trace: tuple[Figure, ...]
    book: BookFindings | None = field(default=None, metadata=ADDED_LATER)
