"""Risk for systems."""

from litestar import post

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import day_of
from pricing import service
from pricing.schemas import BacktestIn, BacktestOut, RiskIn, RiskOut


@post("/v1/risk", sync_to_thread=True, status_code=200, responses=problem_responses(404, 409, 422), tags=["pricing"])
def measure_risk(*, sessions: Sessions, actor: Actor, clock: Clock, data: RiskIn) -> RiskOut:
    """Measure value at risk, expected shortfall, contributions and stresses of a portfolio or a book; nothing is kept.

    Prices, volatilities, rates and exchange rates move, by Monte Carlo, history and filtered history side by side; each
    says how many scenarios stand by themselves, what it leaves out, or why it refuses the book. As nothing is written,
    no idempotency key is asked for.
    """
    valuation_date = day_of(data.valuation_date, field="/valuation_date")
    with sessions.read() as session:
        known_at = standing_of(session, actor.organization_id, clock).known_at
        custom = data.custom()
        if data.lines is not None and data.portfolio_id is None:
            lines = [line.line(place) for place, line in enumerate(data.lines)]
            return RiskOut.of(
                service.risk_of_lines(
                    session,
                    actor,
                    lines,
                    valuation_date=valuation_date,
                    known_at=known_at,
                    custom=custom,
                    method=data.method,
                )
            )
        if data.portfolio_id is not None and data.lines is None:
            return RiskOut.of(
                service.risk_of_portfolio(
                    session,
                    actor,
                    data.portfolio_id,
                    valuation_date=valuation_date,
                    known_at=known_at,
                    custom=custom,
                    method=data.method,
                )
            )
    raise _neither()


@post(
    "/v1/risk/backtests", sync_to_thread=True, status_code=200, responses=problem_responses(404, 409, 422),
    tags=["pricing"],
)  # fmt: skip
def backtest_risk(*, sessions: Sessions, actor: Actor, clock: Clock, data: BacktestIn) -> BacktestOut:
    """Hold a book through five years' joint moves and test what each model would have promised; nothing is kept.

    Kupiec, Christoffersen, and Acerbi and Szekely, each with the power it had: where that is small, passing says
    little, and the verdict says so. As nothing is written, no idempotency key is asked for.
    """
    valuation_date = day_of(data.valuation_date, field="/valuation_date")
    with sessions.read() as session:
        known_at = standing_of(session, actor.organization_id, clock).known_at
        if data.lines is not None and data.portfolio_id is None:
            lines = [line.line(place) for place, line in enumerate(data.lines)]
            answer = service.backtest_of_lines(
                session, actor, lines, valuation_date=valuation_date, known_at=known_at, window_days=data.window_days
            )
        elif data.portfolio_id is not None and data.lines is None:
            answer = service.backtest_of_portfolio(
                session, actor, data.portfolio_id, valuation_date=valuation_date, known_at=known_at,
                window_days=data.window_days,
            )  # fmt: skip
        else:
            raise _neither()
    return BacktestOut.of(answer)


def _neither() -> InvalidInput:
    return InvalidInput(
        "give either portfolio_id or lines, not both and not neither",
        zh="portfolio_id 与 lines 须二选一",
        field="/portfolio_id",
        remedy="Name a stored portfolio or give the lines.",
        remedy_zh="请指定已存组合，或直接给出持仓。",
    )


routes = [measure_risk, backtest_risk]
