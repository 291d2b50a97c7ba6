"""What holdings are worth to whoever must comply: set against obligations by date; nothing is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Protocol, runtime_checkable

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Holding, Scheme, Unit
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.trace import Figure, Trace
from carbonfin.storage.parties import Standing
from pricing.calc.compliance import (
    CARRY_OVER_BASE_T,
    CARRY_OVER_NET_SALES_RATIO,
    PENALTY_MEAN_MONTHS,
    PENALTY_MULTIPLE,
    SURRENDER_DATE,
    ComplianceMarket,
    ComplianceValue,
    Obligation,
    ObligationDraft,
    PenaltyRange,
    carry_over_limit_t,
    compliance_value,
    traded_mean_cny_per_t,
    vintage_use,
)
from pricing.calc.compliance_traces import ComplianceFacts, compliance_trace
from pricing.calc.liquidity import AppraisalPrice, fair_price, price_figures
from pricing.calc.market import MarketSnapshot
from pricing.calc.positions import LineKind, PortfolioLine
from pricing.service.market import market_days, market_snapshot

_DAYS_OF_MONTH = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplianceAnswer:
    """A compliance value with all it rests on.

    Attributes:
        obligations: As owed, each with its day.
    """

    value: ComplianceValue
    obligations: tuple[Obligation, ...]
    market: ComplianceMarket
    trace: Trace
    known_at: datetime
    snapshot_digest: str
    is_sample: bool

    @property
    def valuation_date(self) -> date:
        """Day the value refers to."""
        return self.market.valuation_date

    @property
    def total_cny(self) -> Decimal:
        """Sum of the holdings that have a value."""
        return sum((one.value_cny for one in self.value.holdings if one.value_cny is not None), Decimal("0.00"))

    @property
    def without_value_count(self) -> int:
        """Holdings that have no value; they are in no sum."""
        return sum(one.value_cny is None for one in self.value.holdings)


@runtime_checkable
class ObligationSource(Protocol):
    """Something that knows what an emitter owes; the application hands one out, as compliance lies above pricing."""

    def owed_by(
        self, session: Session, actor: Actor, party_code: str, *, standing: Standing
    ) -> tuple[ObligationDraft, ...]:
        """Give what the emitter of a code has still to surrender, by scheme and year."""


def owed_for(
    session: Session,
    actor: Actor,
    source: ObligationSource,
    *,
    party_code: str,
    written: Sequence[ObligationDraft],
    standing: Standing,
    field: str,
) -> tuple[ObligationDraft, ...]:
    """Give the obligations to value against: those written down, or those of an emitter's compliance position.

    Raises:
        InvalidInput: Both are given.
        NotFound: The bank has no such party.
        MissingData: The position lacks a figure.
    """
    if not party_code:
        return tuple(written)
    if written:
        raise InvalidInput(
            "obligations are written down and an emitter is named",
            zh="清缴义务与企业代码只能填写一项",
            field=field,
            remedy="Leave one of the two out.",
            remedy_zh="请只保留其中一项。",
        )
    return source.owed_by(session, actor, party_code, standing=standing)


def holdings_of(lines: Sequence[PortfolioLine]) -> tuple[Holding, ...]:
    """Give the spot holdings of a book, one a unit; contracts are left out: they bring nothing to surrender yet.

    Raises:
        InvalidInput: A holding is negative, or there is none.
    """
    held: dict[Unit, int] = {}
    for line in lines:
        if line.kind is LineKind.SPOT:
            held[line.unit] = held.get(line.unit, 0) + line.quantity_t
    if not held:
        raise InvalidInput(
            "the book has no spot holding",
            zh="组合中没有现货持仓",
            field="lines",
            remedy="Give allowances held; contracts cannot be surrendered.",
            remedy_zh="请提供现货配额；合约不能用于清缴。",
        )
    return tuple(Holding(unit=unit, quantity_t=quantity_t) for unit, quantity_t in held.items())


def compliance_value_of(
    session: Session,
    actor: Actor,
    *,
    holdings: Sequence[Holding],
    obligations: Sequence[ObligationDraft],
    net_sales_t: Mapping[Scheme, int],
    valuation_date: date,
    known_at: datetime,
) -> ComplianceAnswer:
    """Set holdings against obligations at the fair prices, ends, carry-over and fines known on a day.

    The fine is a bound at the mean price up to the valuation date; the rule takes the months before the deadline.

    Args:
        session: An open session.
        actor: Whose market.
        holdings: One a unit.
        obligations: Owed by compliance year, what was surrendered already taken off.
        net_sales_t: Tonnes sold less bought by scheme, which widen the carry-over; where left out, none.
        valuation_date: Day the value refers to.
        known_at: What counts as known.

    Raises:
        InvalidInput: An obligation is negative, doubled or past its day, or the valuation date lies outside.
        MissingData: An obligation has no surrender date, and no rule names one.
    """
    snapshot = market_snapshot(
        session, valuation_date=valuation_date, known_at=known_at, organization_id=actor.organization_id
    )
    owed, deadlines = _owed(obligations, snapshot)
    units = {one.unit for one in holdings} | _buyable(owed, snapshot)
    prices = _prices(snapshot, units)
    means = _means(session, actor, snapshot, owed, known_at=known_at)
    limits = _limits(snapshot, holdings, net_sales_t)
    market = ComplianceMarket(
        valuation_date=valuation_date,
        uses={unit: vintage_use(partial(_find, snapshot), unit) for unit in sorted(units)},
        prices_cny_per_t={unit: price.price_cny_per_t for unit, price in prices.items()},
        penalties=_penalties(snapshot, means),
        carry_over_t={scheme: limit for scheme, (limit, _) in limits.items()},
    )
    value = compliance_value(holdings, owed, market)
    facts = ComplianceFacts(
        prices=tuple(
            figure for unit, price in prices.items() for figure in price_figures(snapshot, price, name=f"price.{unit}")
        ),
        deadlines=deadlines,
        carry_over={scheme: figures for scheme, (_, figures) in limits.items()},
        means=means,
    )
    return ComplianceAnswer(
        value=value,
        obligations=owed,
        market=market,
        trace=compliance_trace(value, owed, market, facts),
        known_at=known_at,
        snapshot_digest=snapshot.digest,
        is_sample=any(price.is_sample for price in prices.values()),
    )


def _find(snapshot: MarketSnapshot, key: str, scope: str) -> ParameterValue | None:
    return snapshot.find_parameter(key, scope=scope)


def _means(
    session: Session, actor: Actor, snapshot: MarketSnapshot, owed: Sequence[Obligation], *, known_at: datetime
) -> dict[Scheme, Figure]:
    found = (
        (scheme, mean_price_of(session, actor, snapshot, scheme, known_at=known_at))
        for scheme in sorted({one.scheme for one in owed})
    )
    return {scheme: mean for scheme, mean in found if mean is not None}


def _limits(
    snapshot: MarketSnapshot, holdings: Sequence[Holding], net_sales_t: Mapping[Scheme, int]
) -> dict[Scheme, tuple[int, tuple[Figure, ...]]]:
    found = (
        (scheme, _carry_over(snapshot, scheme, holdings, net_sales_t.get(scheme, 0)))
        for scheme in sorted({one.unit.scheme for one in holdings})
    )
    return {scheme: limit for scheme, limit in found if limit is not None}


def _owed(
    drafts: Sequence[ObligationDraft], snapshot: MarketSnapshot
) -> tuple[tuple[Obligation, ...], dict[tuple[Scheme, int], ParameterValue]]:
    deadlines: dict[tuple[Scheme, int], ParameterValue] = {}
    owed: dict[tuple[Scheme, int], Obligation] = {}
    for place, draft in enumerate(drafts):
        at, name, key = f"/obligations/{place}", f"{draft.scheme} {draft.year}", (draft.scheme, draft.year)
        day = draft.surrender_date
        if day is None:
            rule = snapshot.find_parameter(SURRENDER_DATE, scope=f"{draft.scheme}-{draft.year}")
            if rule is None:
                raise MissingData(
                    f"no rule names the surrender date of {name}",
                    zh=f"{name} 年度的清缴截止日尚未掌握",
                    field=f"{at}/surrender_date",
                    remedy="Give the surrender date.",
                    remedy_zh="请填写清缴截止日。",
                )
            deadlines[key], day = rule, rule.day
        if day < snapshot.valuation_date or key in owed or draft.quantity_t < 0:
            raise _refused(draft, day, at, is_doubled=key in owed, valuation_date=snapshot.valuation_date)
        owed[key] = Obligation(
            scheme=draft.scheme, year=draft.year, surrender_date=day, quantity_t=draft.quantity_t
        )  # fmt: skip
    return tuple(owed.values()), deadlines


def _refused(draft: ObligationDraft, day: date, at: str, *, is_doubled: bool, valuation_date: date) -> InvalidInput:
    name = f"{draft.scheme} {draft.year}"
    if is_doubled:
        return InvalidInput(
            f"the obligation of {name} stands twice", zh=f"{name} 年度的清缴义务重复", field=f"{at}/year",
            remedy="Add them up.", remedy_zh="请合并为一条。",
        )  # fmt: skip
    if draft.quantity_t < 0:
        return InvalidInput(
            f"the obligation of {name} is {draft.quantity_t} t", zh=f"{name} 年度的清缴义务不能为负",
            field=f"{at}/quantity_t", remedy="Give what is still owed.", remedy_zh="请填写尚未清缴的数量。",
        )  # fmt: skip
    return InvalidInput(
        f"the obligation of {name} was due {day}, before {valuation_date}",
        zh=f"{name} 年度的清缴截止日 {day} 早于估值日 {valuation_date}",
        field=f"{at}/surrender_date",
        remedy="Give obligations that are still ahead.",
        remedy_zh="请只填写尚未到期的清缴义务。",
    )


def _buyable(owed: Sequence[Obligation], snapshot: MarketSnapshot) -> set[Unit]:
    """Give the units that could be bought for an obligation: those quoted, and the year's own vintage."""
    schemes = {one.scheme for one in owed}
    quoted = {quote.unit for quote in snapshot.quotes if quote.unit.scheme in schemes and quote.unit.vintage}
    return quoted | {Unit(one.scheme, one.year) for one in owed}


def _prices(snapshot: MarketSnapshot, units: set[Unit]) -> dict[Unit, AppraisalPrice]:
    """Give the fair price of each unit that has one."""
    found: dict[Unit, AppraisalPrice] = {}
    for unit in sorted(units):
        try:
            found[unit] = fair_price(snapshot, unit)
        except MissingData:
            continue
    return found


def mean_price_of(
    session: Session, actor: Actor, snapshot: MarketSnapshot, scheme: Scheme, *, known_at: datetime
) -> Figure | None:
    """Give the mean price of a scheme's trade over the months of its rule up to the valuation date, if any."""
    months = snapshot.find_parameter(PENALTY_MEAN_MONTHS, scope=scheme)
    if months is None:
        return None
    last = snapshot.valuation_date
    first = last - timedelta(days=_DAYS_OF_MONTH * months.integer - 1)
    units = {Unit(scheme)} | {quote.unit for quote in snapshot.quotes if quote.unit.scheme is scheme}
    quotes = [
        quote
        for unit in sorted(units)
        for quote in market_days(session, actor, unit=unit, from_date=first, to_date=last, known_at=known_at)
    ]
    mean = traded_mean_cny_per_t(quotes)
    if mean is None:
        return None
    return Figure(
        name=f"mean.{scheme}",
        label_zh=f"{scheme} 成交均价（{first} 至 {last}）",
        label_en=f"{scheme} mean price of trade, {first} to {last}",
        value=format(mean, "f"),
        unit="CNY/t",
        source="；".join(sorted({quote.exchange for quote in quotes})),
        confirmed=months.confirmed and not any(quote.is_sample for quote in quotes),
        note_zh=f"截至估值日 {_DAYS_OF_MONTH * months.integer} 天的成交额÷成交量；"
        f"法定期间为清缴时限前 {months.value} 个月，罚款以届时均价为准",
        note_en=f"amount over volume of the {_DAYS_OF_MONTH * months.integer} days up to the valuation date; the rule "
        f"takes the {months.value} months before the deadline",
    )


def _penalties(snapshot: MarketSnapshot, means: Mapping[Scheme, Figure]) -> dict[Scheme, PenaltyRange]:
    found: dict[Scheme, PenaltyRange] = {}
    for scheme, mean in means.items():
        low, high = (snapshot.find_parameter(PENALTY_MULTIPLE, scope=f"{scheme}.{which}") for which in ("low", "high"))
        if low is not None and high is not None:
            found[scheme] = PenaltyRange(low=low, high=high, mean_cny_per_t=Decimal(mean.value))
    return found


def _carry_over(
    snapshot: MarketSnapshot, scheme: Scheme, holdings: Sequence[Holding], net_sales_t: int
) -> tuple[int, tuple[Figure, ...]] | None:
    base = snapshot.find_parameter(CARRY_OVER_BASE_T, scope=scheme)
    ratio = snapshot.find_parameter(CARRY_OVER_NET_SALES_RATIO, scope=scheme)
    if base is None or ratio is None:
        return None
    held_t = sum(one.quantity_t for one in holdings if one.unit.scheme is scheme)
    limit_t = carry_over_limit_t(
        base_t=base.integer, net_sales_ratio=ratio.decimal, net_sales_t=net_sales_t, held_t=held_t
    )
    name = f"carry_over.{scheme}"
    return limit_t, (
        Figure.of_parameter(f"{name}.base_t", base),
        Figure.of_parameter(f"{name}.net_sales_ratio", ratio),
        Figure(
            name=f"{name}.net_sales_t", label_zh=f"{scheme} 净卖出量", label_en=f"{scheme} net sales",
            value=str(net_sales_t), unit="t", source="录入；未填按零",
        ),
        Figure(
            name=f"{name}.held_t", label_zh=f"{scheme} 持有量合计", label_en=f"{scheme} held in all",
            value=str(held_t), unit="t", source="持仓",
        ),
    )  # fmt: skip
