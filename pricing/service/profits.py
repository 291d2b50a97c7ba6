"""What changed a portfolio's value between two recorded valuations; nothing is kept, as both stand on record."""

from dataclasses import dataclass

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.storage.decisions import load_inputs
from pricing.calc.portfolio import PORTFOLIO_VALUE
from pricing.calc.profit import PortfolioProfit, ValuedBook, explained_change
from pricing.service.valuation import Valuation, load_valuation
from pricing.store import portfolios
from pricing.store.portfolios import ValuationRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfitAnswer:
    """A change explained, with the two valuations it lies between."""

    opening: ValuationRecord
    closing: ValuationRecord
    profit: PortfolioProfit


def explained_profit(session: Session, actor: Actor, valuation_id: str, *, since: str | None) -> ProfitAnswer:
    """Explain a portfolio's change of value up to a recorded valuation.

    Args:
        session: Open session.
        actor: Whose valuations they are.
        valuation_id: The closing valuation.
        since: The opening one, of the same portfolio; the one recorded before it if not given.

    Raises:
        NotFound: There is no such valuation of the actor's organisation.
        MissingData: The portfolio has no valuation before it.
        InvalidInput: The two are of different books, or in the wrong order.
    """
    closing = load_valuation(session, actor, valuation_id)
    opening = load_valuation(session, actor, since or _before(session, actor, closing.record))
    mine, other = closing.record.portfolio_id, opening.record.portfolio_id
    if mine is None or mine != other or opening.record.id == closing.record.id:
        raise InvalidInput(
            f"valuations {opening.record.id} and {closing.record.id} are not two valuations of one stored portfolio",
            zh="两次估值须属于同一已存组合且不能相同",
            field="since",
            remedy="Name an earlier valuation of the same portfolio.",
            remedy_zh="请选择同一组合更早的一次估值。",
        )
    profit = explained_change(_book(session, actor, opening), _book(session, actor, closing))
    return ProfitAnswer(opening=opening.record, closing=closing.record, profit=profit)


def _book(session: Session, actor: Actor, valuation: Valuation) -> ValuedBook:
    inputs = load_inputs(session, actor, PORTFOLIO_VALUE, valuation.record.decision_id)
    return ValuedBook(inputs=inputs, value=valuation.value)


def _before(session: Session, actor: Actor, record: ValuationRecord) -> str:
    found = None
    if record.portfolio_id is not None and record.number is not None:
        found = portfolios.valuation_before(session, actor, record.portfolio_id, number=record.number)
    if found is None:
        raise MissingData(
            f"valuation {record.id} has no earlier valuation of its portfolio",
            zh="该组合在此之前没有留存的估值，无从比较",
            field="since",
            remedy="Value the portfolio on two days and keep both.",
            remedy_zh="请先在两个日期分别估值并留存。",
        )
    return found.id
