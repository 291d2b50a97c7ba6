"""The backtest of a portfolio: what each model would have promised, what came, and what so few days can say."""

from decimal import Decimal
from typing import Annotated

from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.response import Template

from carbonfin.documents.charts import (
    Chart,
    Language,
    PointFlag,
    SeriesPoint,
    Threshold,
    Tone,
    Words,
    time_series_chart,
)
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import MissingData
from carbonfin.kernel.units import to_decimal, to_float
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.language import language_of
from carbonfin.web.pages import Text, page
from pricing import service
from pricing.calc.portfolio_risk.backtest_words import verdicts
from pricing.calc.portfolio_risk.backtesting import BACKTEST_MODEL_LABELS, BookBacktest, ModelBacktest

_WAN = Decimal(10_000)
_SHOWN_MAX = 20
_EXCEPTION = "exception"


@get("/portfolios/{portfolio_id:str}/backtest", sync_to_thread=True)
def backtest_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    portfolio_id: FromPath[str],
    window: Annotated[int | None, QueryParameter(ge=121, le=1_000)] = None,
) -> Template:
    """Hold a portfolio through the history of its factors and show what each model would have promised."""
    answer, refusal = None, None
    with sessions.read() as session:
        portfolio = service.load_portfolio(session, actor, portfolio_id)
        standing = standing_of(session, actor.organization_id, clock)
        try:
            answer = service.backtest_of_portfolio(
                session, actor, portfolio_id, valuation_date=standing.business_date, known_at=standing.known_at,
                window_days=window,
            )  # fmt: skip
        except MissingData as error:
            refusal = error
    language: Language = "en" if language_of(request).value == "en" else "zh"
    found = None if answer is None else answer.backtest
    models = [] if found is None else [_shown(found, one, language) for one in found.models]
    return page(
        request,
        "pricing/backtest.html",
        title=Text("风险价值回测", "Backtest of value at risk"),
        portfolio=portfolio,
        standing=standing,
        found=found,
        refusal=refusal,
        models=models,
        window=window or ("" if found is None else found.window_days),
    )


def _shown(found: BookBacktest, one: ModelBacktest, language: Language) -> dict[str, object]:
    """Prepare a model: its words, its chart and the days on which it lost more than promised."""
    exceptions = [day for day in one.days if day.is_exception]
    return {
        "name": one.model.value,
        "label": Text(*BACKTEST_MODEL_LABELS[one.model]),
        "test": one,
        "verdicts": [Text(zh, en) for zh, en in verdicts(one)],
        "rejected": [test is not None and test.is_rejected for test in (one.coverage, one.independence, one.shortfall)],
        "chart": _chart(found, one, language) if one.days else None,
        "exceptions": [
            (day.day, to_decimal(day.pnl_cny, places=2), to_decimal(day.value_at_risk_cny, places=2))
            for day in exceptions[: -_SHOWN_MAX - 1 : -1]
        ],
        "exception_count": len(exceptions),
    }


def _chart(found: BookBacktest, one: ModelBacktest, language: Language) -> Chart:
    zh, en = BACKTEST_MODEL_LABELS[one.model]
    last = one.days[-1]
    promised = to_decimal(-last.value_at_risk_cny / to_float(_WAN), places=2)
    sources = sorted({history.source for history in found.histories if history.points})
    return time_series_chart(
        title=Words(zh=f"{zh}：每日损益与突破", en=f"{en}: daily profit and loss, and exceptions"),
        line_label=Words(zh="持有今日组合的每日损益", en="daily P&L of today's book"),
        unit=Words(zh="万元", en="CNY 10,000"),
        points=[
            SeriesPoint(
                day=day.day,
                value=to_decimal(day.pnl_cny / to_float(_WAN), places=4),
                flag=_EXCEPTION if day.is_exception else None,
            )
            for day in one.days
        ],
        flags=[
            PointFlag(
                code=_EXCEPTION, label=Words(zh="损失超过当日风险价值", en="loss beyond that day's value at risk"),
                tone=Tone.BREACH,
            )
        ],
        thresholds=[
            Threshold(
                label=Words(zh="最近一日风险价值", en="value at risk of the last day"), value=promised,
                text=f"{promised}", tone=Tone.WARNING,
            )
        ],
        source=Words(zh="；".join(sources), en="; ".join(sources)),
        as_of=last.day,
        language=language,
    )  # fmt: skip
