"""Portfolios, their recorded valuations, and forward prices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.storage.decisions import load_outcome, record_decision
from carbonfin.storage.keyset import Place, Slice
from carbonfin.storage.rows import new_id
from pricing.calc.line_faults import line_fault
from pricing.calc.portfolio import PORTFOLIO_VALUE, PortfolioInputs, PortfolioValue, value_portfolio
from pricing.calc.positions import PortfolioLine
from pricing.service.curve_readers import curve_markets_of
from pricing.service.market import market_snapshot
from pricing.store import portfolios
from pricing.store.portfolios import Portfolio, ValuationRecord

_INLINE = "inline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """A recorded valuation with its lines."""

    record: ValuationRecord
    value: PortfolioValue


def save_portfolio(
    session: Session, actor: Actor, *, code: str, name: str, lines: Sequence[PortfolioLine]
) -> Portfolio:
    """Add a portfolio, or bring the one of the same code up to date with exactly these lines.

    Raises:
        InvalidInput: A line is impossible by itself, or two have one code.
    """
    codes = [line.line_id for line in lines]
    if len(set(codes)) != len(codes):
        raise InvalidInput("two lines have the same code", zh="持仓代码重复", field="lines")
    for place, line in enumerate(lines):
        fault = line_fault(line)
        if fault is not None:
            raise InvalidInput(
                f"line {line.line_id}: {fault.detail}",
                zh=f"持仓 {line.line_id}：{fault.zh}",
                field=f"/lines/{place}/{fault.field}",
                remedy=fault.remedy,
                remedy_zh=fault.remedy_zh,
            )
    return portfolios.save_portfolio(session, actor, code=code, name=name, is_sample=actor.is_sample, lines=lines)


def load_portfolio(session: Session, actor: Actor, portfolio_id: str) -> Portfolio:
    """Give a portfolio of the actor's organisation with its lines."""
    return portfolios.load_portfolio(session, actor, portfolio_id)


def books_changed_at_rest(session: Session) -> tuple[Conflict, ...]:
    """Give the portfolios in sight whose blocks, or whose rows beside them, are not as they were stored."""
    return portfolios.books_changed_at_rest(session)


def books_without_blocks(session: Session) -> tuple[str, ...]:
    """Give the codes of portfolios in sight that have rows alone: of the release before, or their blocks gone."""
    return portfolios.books_without_blocks(session)


def list_portfolios(session: Session, actor: Actor) -> tuple[Portfolio, ...]:
    """Give the portfolios of the actor's organisation, without lines."""
    return portfolios.portfolios_of(session, actor)


def portfolio_page(session: Session, actor: Actor, place: Place) -> Slice[Portfolio]:
    """Give a page of the portfolios of the actor's organisation by code, without lines."""
    return portfolios.portfolio_page(session, actor, place)


def value_inline(
    session: Session,
    actor: Actor,
    *,
    name: str,
    lines: Sequence[PortfolioLine],
    valuation_date: date,
    known_at: datetime,
) -> PortfolioValue:
    """Value lines that are not stored, and keep nothing."""
    return value_portfolio(
        _inputs(
            session,
            actor,
            portfolio_id=_INLINE,
            name=name,
            lines=lines,
            valuation_date=valuation_date,
            known_at=known_at,
        )
    )


def record_valuation(
    session: Session, actor: Actor, portfolio_id: str, *, valuation_date: date, known_at: datetime
) -> Valuation:
    """Value a stored portfolio on a day, as known at an instant, and keep the decision.

    Raises:
        NotFound: There is no such portfolio, or it is another organisation's.
        Conflict: Its lines were changed at rest.
    """
    portfolios.keep_blocks(session, actor, portfolio_id)
    portfolio = portfolios.load_portfolio(session, actor, portfolio_id)
    inputs = _inputs(
        session,
        actor,
        portfolio_id=portfolio.id,
        name=portfolio.name,
        lines=portfolio.lines,
        valuation_date=valuation_date,
        known_at=known_at,
    )
    number = portfolios.next_number(session, portfolio.id)
    return _record(session, actor, inputs, portfolio_id=portfolio.id, number=number)


def record_inline_valuation(
    session: Session,
    actor: Actor,
    *,
    name: str,
    lines: Sequence[PortfolioLine],
    valuation_date: date,
    known_at: datetime,
) -> Valuation:
    """Value lines that are not stored as a portfolio, and keep the decision."""
    inputs = _inputs(
        session, actor, portfolio_id=_INLINE, name=name, lines=lines, valuation_date=valuation_date, known_at=known_at
    )
    return _record(session, actor, inputs, portfolio_id=None, number=None)


def _inputs(
    session: Session,
    actor: Actor,
    *,
    portfolio_id: str,
    name: str,
    lines: Sequence[PortfolioLine],
    valuation_date: date,
    known_at: datetime,
) -> PortfolioInputs:
    snapshot = market_snapshot(
        session, valuation_date=valuation_date, known_at=known_at, organization_id=actor.organization_id
    )
    book = curve_markets_of(session, actor, lines, snapshot)
    return PortfolioInputs(
        portfolio_id=portfolio_id,
        portfolio_name=name,
        valuation_date=valuation_date,
        known_at=known_at,
        lines=tuple(lines),
        snapshot=snapshot,
        options=book.options,
        forwards=book.forwards,
        futures=book.futures,
    )


def _record(
    session: Session, actor: Actor, inputs: PortfolioInputs, *, portfolio_id: str | None, number: int | None
) -> Valuation:
    recorded = record_decision(
        session,
        actor,
        PORTFOLIO_VALUE,
        inputs,
        subject=f"portfolio:{inputs.portfolio_id}",
        valid_on=inputs.valuation_date,
        known_at=inputs.known_at,
    )
    value = recorded.outcome
    record = ValuationRecord(
        id=new_id(),
        portfolio_id=portfolio_id,
        number=number,
        portfolio_name=inputs.portfolio_name,
        valuation_date=inputs.valuation_date,
        known_at=inputs.known_at,
        decision_id=recorded.decision_id,
        present_value_cny=value.present_value_cny,
        variation_margin_cny=value.variation_margin_cny,
        level_max=value.level_max,
        line_count=len(value.lines),
        failure_count=len(value.failures),
        snapshot_digest=value.snapshot_digest,
        is_sample=value.is_sample,
    )
    portfolios.save_valuation(session, actor, record)
    return Valuation(record=record, value=value)


def load_valuation(session: Session, actor: Actor, valuation_id: str) -> Valuation:
    """Give a recorded valuation of the actor's organisation with its lines."""
    record = portfolios.load_valuation(session, actor, valuation_id)
    return Valuation(record=record, value=load_outcome(session, actor, PORTFOLIO_VALUE, record.decision_id))


def valuations_of(session: Session, actor: Actor, portfolio_id: str, *, limit: int) -> tuple[ValuationRecord, ...]:
    """Give the last valuations of a portfolio, last first."""
    return portfolios.valuations_of(session, actor, portfolio_id, limit=limit)
