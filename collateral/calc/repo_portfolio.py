"""Portfolio reconciliation: the repos a counterparty lists against ours, every difference by repo and term."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure
from collateral.calc.figures import FigureList

FIELD_NAMES: dict[str, tuple[str, str]] = {
    "unit": ("品种", "Unit"),
    "quantity_t": ("数量（吨）", "Quantity (t)"),
    "purchase_date": ("首期交易日", "Purchase date"),
    "repurchase_date": ("购回日", "Repurchase date"),
    "currency": ("资金币种", "Currency"),
    "purchase_price_amount": ("首期价款", "Purchase price"),
    "rate": ("现行利率", "Rate in force"),
    "margin_cash_amount": ("现金保证金", "Cash margin"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRepo:
    """A repo as one side lists it; `margin_cash_amount` None where it is not stated, positive where the buyer holds."""

    code: str
    unit: str
    quantity_t: int
    purchase_date: date
    repurchase_date: date
    currency: str
    purchase_price_amount: Decimal
    rate: Decimal
    margin_cash_amount: Decimal | None


class TradeDifferenceKind(StrEnum):
    """In what the lists differ: a repo that one side alone has, or a term stated otherwise."""

    OURS_ALONE = "ours_alone"
    THEIRS_ALONE = "theirs_alone"
    TERM = "term"


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeDifference:
    """One difference; `field`, `ours` and `theirs` are empty where a side lacks the repo."""

    kind: TradeDifferenceKind
    code: str
    field: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioInputs:
    """Both lists on a day, and the digest of the counterparty's file."""

    counterparty: str
    on: date
    file_name: str
    file_digest: str
    ours: tuple[ListedRepo, ...]
    theirs: tuple[ListedRepo, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioOutcome:
    """What was compared: repos that agree in every term, and each difference in the order of codes."""

    agreeing_count: int
    differences: tuple[TradeDifference, ...]
    trace: tuple[Figure, ...]


def compare_portfolios(inputs: PortfolioInputs) -> PortfolioOutcome:
    """Compare two lists of repos by code, term by term; amounts and rates by value, not by their digits."""
    ours = {one.code: one for one in inputs.ours}
    theirs = {one.code: one for one in inputs.theirs}
    differences: list[TradeDifference] = []
    for code in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(code), theirs.get(code)
        if mine is None or other is None:
            kind = TradeDifferenceKind.OURS_ALONE if other is None else TradeDifferenceKind.THEIRS_ALONE
            differences.append(TradeDifference(kind=kind, code=code, field="", ours="", theirs=""))
        else:
            differences += _terms(mine, other)
    differing = {one.code for one in differences}
    agreeing = len((ours.keys() & theirs.keys()) - differing)
    figures = FigureList()
    source = f"{inputs.file_name} {inputs.file_digest[:12]}"
    mine_count = figures.fact("ours_count", ("我方笔数", "Ours"), len(ours), "count", f"业务日期 {inputs.on}")
    their_count = figures.fact("theirs_count", ("对方笔数", "Theirs"), len(theirs), "count", source)
    counts = (mine_count, their_count)
    figures.result("agreeing", ("一致笔数", "Agreeing"), agreeing, "count", "same code and terms", inputs=counts)
    label = ("差异项数", "Differences")
    figures.result("differences", label, len(differences), "count", "missing repos + differing terms", inputs=counts)
    return PortfolioOutcome(agreeing_count=agreeing, differences=tuple(differences), trace=figures.trace())


def _terms(mine: ListedRepo, other: ListedRepo) -> list[TradeDifference]:
    found = []
    for field in FIELD_NAMES:
        ours, theirs = getattr(mine, field), getattr(other, field)
        if ours != theirs and theirs is not None:
            found.append(
                TradeDifference(
                    kind=TradeDifferenceKind.TERM, code=mine.code, field=field, ours=str(ours), theirs=str(theirs)
                )
            )
    return found


REPO_PORTFOLIO = DecisionKind(
    name="collateral.repo_portfolio",
    version="1",
    inputs=PortfolioInputs,
    outputs=PortfolioOutcome,
    decide=compare_portfolios,
)
