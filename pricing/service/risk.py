"""The risk of a stored portfolio or of a book at hand: measured, and on demand kept as a decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import CarbonFinError, MissingData
from carbonfin.kernel.units import round_half_up, to_decimal
from carbonfin.rules.record import canonical_json
from carbonfin.storage.decisions import load_decision, load_outcome, rebuilt, record_decision
from pricing.calc.market import MarketSnapshot
from pricing.calc.option_market import OptionMarket
from pricing.calc.portfolio import PortfolioInputs
from pricing.calc.portfolio_risk import (
    CORRELATION,
    PORTFOLIO_RISK,
    SCENARIO_COUNT,
    SEED,
    VOLATILITY,
    CustomStress,
    FactorVolatility,
    MarketDeviation,
    MarketHistory,
    PortfolioRisk,
    RiskInputs,
    RiskMethod,
    VolatilityMoves,
    estimated_moves,
    measure_risk,
)
from pricing.calc.portfolio_risk.backtesting import BookBacktest, backtested
from pricing.calc.portfolio_risk.exposures import line_factor
from pricing.calc.portfolio_risk.histories import FactorHistory
from pricing.calc.positions import PortfolioLine
from pricing.calc.quality import single_vintage_series
from pricing.calc.volatility import estimated_volatility
from pricing.service.curve_readers import curve_markets_of
from pricing.service.market import market_days, market_snapshot
from pricing.service.risk_histories import BACKTEST_HISTORY, HISTORY, market_history
from pricing.service.valuation import load_portfolio
from pricing.service.volatilities import price_history
from pricing.store.curve_quotes import curve_quotes_known

_INLINE = "inline"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskAnswer:
    """A measurement with the histories it took, and with its decision where it was kept."""

    portfolio_name: str
    valuation_date: date
    known_at: datetime
    risk: PortfolioRisk
    decision_id: str | None
    histories: tuple[FactorHistory, ...]
    deviations: tuple[MarketDeviation, ...]


def risk_of_lines(
    session: Session,
    actor: Actor,
    lines: Sequence[PortfolioLine],
    *,
    valuation_date: date,
    known_at: datetime,
    custom: CustomStress | None = None,
    method: RiskMethod | None = None,
) -> RiskAnswer:
    """Measure a book that is not stored, and keep nothing."""
    inputs = _inputs(
        session, actor, _INLINE, _INLINE, lines, valuation_date=valuation_date, known_at=known_at, custom=custom,
        method=method,
    )  # fmt: skip
    return _answer(inputs, measure_risk(inputs), None)


def risk_of_portfolio(
    session: Session,
    actor: Actor,
    portfolio_id: str,
    *,
    valuation_date: date,
    known_at: datetime,
    custom: CustomStress | None = None,
    method: RiskMethod | None = None,
) -> RiskAnswer:
    """Measure a stored portfolio, and keep nothing."""
    portfolio = load_portfolio(session, actor, portfolio_id)
    inputs = _inputs(
        session, actor, portfolio.id, portfolio.name, portfolio.lines, valuation_date=valuation_date,
        known_at=known_at, custom=custom, method=method,
    )  # fmt: skip
    return _answer(inputs, measure_risk(inputs), None)


def record_risk(
    session: Session,
    actor: Actor,
    portfolio_id: str,
    *,
    valuation_date: date,
    known_at: datetime,
    method: RiskMethod | None = None,
) -> RiskAnswer:
    """Measure a stored portfolio and keep the decision."""
    portfolio = load_portfolio(session, actor, portfolio_id)
    inputs = _inputs(
        session, actor, portfolio.id, portfolio.name, portfolio.lines, valuation_date=valuation_date,
        known_at=known_at, method=method,
    )  # fmt: skip
    recorded = record_decision(
        session, actor, PORTFOLIO_RISK, inputs, subject=f"portfolio:{portfolio.id}", valid_on=valuation_date,
        known_at=known_at,
    )  # fmt: skip
    return _answer(inputs, recorded.outcome, recorded.decision_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestAnswer:
    """A backtest of a book; nothing is kept."""

    portfolio_name: str
    valuation_date: date
    known_at: datetime
    backtest: BookBacktest


def backtest_of_lines(
    session: Session,
    actor: Actor,
    lines: Sequence[PortfolioLine],
    *,
    valuation_date: date,
    known_at: datetime,
    window_days: int | None,
    name: str = _INLINE,
) -> BacktestAnswer:
    """Hold a book through the joint moves of five years and test what each model would have promised.

    Raises:
        InvalidInput: The window is out of range.
        MissingData: No line has a history, or too few days are left to test.
    """
    inputs = _inputs(
        session, actor, name, name, lines, valuation_date=valuation_date, known_at=known_at, look_back=BACKTEST_HISTORY
    )
    return BacktestAnswer(
        portfolio_name=name,
        valuation_date=valuation_date,
        known_at=known_at,
        backtest=backtested(inputs, window_days=window_days),
    )


def backtest_of_portfolio(
    session: Session,
    actor: Actor,
    portfolio_id: str,
    *,
    valuation_date: date,
    known_at: datetime,
    window_days: int | None,
) -> BacktestAnswer:
    """Do the same with a stored portfolio.

    Raises:
        InvalidInput: The window is out of range.
        MissingData: No line has a history, or too few days are left to test.
        NotFound: The actor's organisation has no such portfolio.
    """
    portfolio = load_portfolio(session, actor, portfolio_id)
    return backtest_of_lines(
        session, actor, portfolio.lines, valuation_date=valuation_date, known_at=known_at, window_days=window_days,
        name=portfolio.name,
    )  # fmt: skip


def load_risk(session: Session, actor: Actor, decision_id: str) -> RiskAnswer:
    """Give a measurement on record.

    Raises:
        NotFound: The actor's organisation has no such decision.
    """
    record = load_decision(session, actor, decision_id)
    recorded = record.inputs.get("market")
    market = MarketHistory(histories=(), deviations=())
    if recorded is not None:
        market = rebuilt(canonical_json(recorded), MarketHistory)
    return RiskAnswer(
        portfolio_name=record.inputs["book"]["portfolio_name"],
        valuation_date=record.valid_on,
        known_at=record.known_at,
        risk=load_outcome(session, actor, PORTFOLIO_RISK, decision_id),
        decision_id=decision_id,
        histories=market.histories,
        deviations=market.deviations,
    )


def _answer(inputs: RiskInputs, risk: PortfolioRisk, decision_id: str | None) -> RiskAnswer:
    return RiskAnswer(
        portfolio_name=inputs.book.portfolio_name,
        valuation_date=inputs.book.valuation_date,
        known_at=inputs.book.known_at,
        risk=risk,
        decision_id=decision_id,
        histories=() if inputs.market is None else inputs.market.histories,
        deviations=() if inputs.market is None else inputs.market.deviations,
    )


def _inputs(
    session: Session,
    actor: Actor,
    portfolio_id: str,
    name: str,
    lines: Sequence[PortfolioLine],
    *,
    valuation_date: date,
    known_at: datetime,
    custom: CustomStress | None = None,
    method: RiskMethod | None = None,
    look_back: timedelta = HISTORY,
) -> RiskInputs:
    snapshot = market_snapshot(
        session, valuation_date=valuation_date, known_at=known_at, organization_id=actor.organization_id
    )
    book = curve_markets_of(session, actor, lines, snapshot)
    return RiskInputs(
        book=PortfolioInputs(
            portfolio_id=portfolio_id,
            portfolio_name=name,
            valuation_date=valuation_date,
            known_at=known_at,
            lines=tuple(lines),
            snapshot=snapshot,
            options=book.options,
            forwards=book.forwards,
            futures=book.futures,
        ),
        volatilities=tuple(_volatilities(session, actor, snapshot, lines, book.options)),
        correlation=snapshot.find_parameter(CORRELATION, scope=""),
        scenario_count=SCENARIO_COUNT,
        seed=SEED,
        custom=custom,
        volatility_moves=_volatility_moves(session, actor, snapshot, book.options),
        market=market_history(
            session, actor, snapshot, lines, options=book.options, forwards=book.forwards, look_back=look_back
        ),
        method=method,
    )


def _volatility_moves(
    session: Session, actor: Actor, snapshot: MarketSnapshot, options: OptionMarket | None
) -> tuple[VolatilityMoves, ...]:
    """Give how volatilities move, of each scheme with options whose surface has a history."""
    schemes = sorted({point.terms.unit.scheme.value for point in options.points} if options else set())
    found = []
    for scheme in schemes:
        quotes = curve_quotes_known(
            session,
            organization_id=actor.organization_id,
            from_date=snapshot.valuation_date - HISTORY,
            to_date=snapshot.valuation_date,
            known_on=china_day(snapshot.known_at),
            name=scheme,
        )
        found.append(estimated_moves(scheme, quotes))
    return tuple(one for one in found if one is not None)


def _volatilities(
    session: Session,
    actor: Actor,
    snapshot: MarketSnapshot,
    lines: Sequence[PortfolioLine],
    options: OptionMarket | None,
) -> list[FactorVolatility]:
    """Give the volatility of each factor: approved, else estimated, else as its options imply, else none."""
    factors: dict[str, PortfolioLine] = {}
    for line in lines:
        try:
            factors.setdefault(line_factor(snapshot, line), line)
        except MissingData:
            continue  # the line fails in its valuation, which says why
    found = []
    for factor in sorted(factors):
        approved = snapshot.find_parameter(VOLATILITY, scope=factor)
        if approved is not None:
            found.append(
                FactorVolatility(
                    factor=factor, volatility=approved.decimal, source=approved.document, is_assumption=True
                )
            )
            continue
        estimate = _estimated(session, actor, snapshot, factors[factor]) or _implied(factor, options)
        if estimate is not None:
            found.append(estimate)
    return found


def _implied(factor: str, options: OptionMarket | None) -> FactorVolatility | None:
    """Give the volatility that the book's option nearest the money rests on."""
    points = [] if options is None else [one for one in options.points if str(one.terms.unit) == factor]
    if not points:
        return None
    near = min(points, key=lambda one: (abs(one.terms.strike_per_t / one.forward_per_t - 1), one.terms.expiry_date))
    return FactorVolatility(
        factor=factor,
        volatility=round_half_up(near.volatility, 4),
        source=f"曲面 {near.surface} {near.quote_date} 隐含波动率"
        f"（{near.terms.expiry_date}，行权价 {near.terms.strike_per_t:f}）",
        is_assumption=near.is_assumption,
    )


def _estimated(
    session: Session, actor: Actor, snapshot: MarketSnapshot, line: PortfolioLine
) -> FactorVolatility | None:
    """Estimate from one vintage's whole history; a mixed or short one gives nothing, and the line says so."""
    try:
        quotes = single_vintage_series(
            market_days(
                session, actor, unit=snapshot.quotes_of(line.unit)[0].unit, from_date=None,
                to_date=snapshot.valuation_date, known_at=snapshot.known_at,
            )
        )  # fmt: skip
        estimate = estimated_volatility(price_history(quotes, _limit(snapshot, line)))
    except CarbonFinError:
        return None
    if estimate.volatility <= 0.0:
        return None
    return FactorVolatility(
        factor=line_factor(snapshot, line),
        volatility=to_decimal(estimate.volatility, places=4),
        source=f"{quotes[0].exchange} {quotes[0].quote_date} 至 {quotes[-1].quote_date}，更新过程方差，"
        f"{estimate.return_count} 个收益率",
        is_assumption=False,
    )


def _limit(snapshot: MarketSnapshot, line: PortfolioLine) -> Decimal | None:
    found = snapshot.find_parameter("pricing.limit_ratio", scope=line.unit.scheme)
    return None if found is None else found.decimal
