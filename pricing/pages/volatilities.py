"""The volatility of a unit: the renewal estimate, and the usual ones beside it with their known bias."""

from decimal import Decimal
from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Template

from carbonfin.documents.charts import Bar, Chart, Language, Words, bar_chart
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import MissingData, NotApplicable
from carbonfin.kernel.units import to_decimal
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.language import language_of
from carbonfin.web.pages import Text, page
from carbonfin.web.wire import day_of
from pricing import service
from pricing.calc.volatility_errors import ERROR_LABELS
from pricing.calc.volatility_estimators import BIAS_SOURCE_EN, BIAS_SOURCE_ZH, ESTIMATORS, REGIMES, Estimator

_PLACES = 4


@get("/market/volatility", sync_to_thread=True)
def volatility_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    unit: Annotated[str, QueryParameter(max_length=20)] = "CCER",
    on: Annotated[str | None, QueryParameter(max_length=10)] = None,
) -> Template:
    """Show a unit's volatility by every estimator, with its error, its bias in six markets, and what the data lack."""
    answer, refusal = None, None
    asked = Unit.parse(unit)
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        day = standing.business_date if not on else day_of(on, field="on")
        units = tuple(service.quoted_units(session, actor, on=day, known_at=standing.known_at))
        try:
            answer = service.volatility_estimates(
                session, actor, unit=asked, valuation_date=day, known_at=standing.known_at
            )
        except (MissingData, NotApplicable) as error:
            refusal = error
    language: Language = "en" if language_of(request).value == "en" else "zh"
    return page(
        request,
        "pricing/volatility.html",
        title=Text("波动率估计", "Estimated volatility"),
        unit=str(asked),
        on=day,
        units=tuple(sorted({*units, str(asked)})),
        standing=standing,
        answer=answer,
        refusal=refusal,
        rows=[] if answer is None else [_row(one) for one in answer.estimates],
        chart=None if answer is None else _chart(answer, language),
        regimes=[Text(*words) for words in REGIMES],
        bias_source=Text(BIAS_SOURCE_ZH, BIAS_SOURCE_EN),
        default=Estimator.RENEWAL,
    )


def _row(one: service.EstimatorAnswer) -> dict[str, object]:
    """Prepare an estimator: its figures rounded for reading, and its words."""
    note, found = ESTIMATORS[one.estimator], one.estimate
    return {
        "estimator": one.estimator,
        "label": Text(note.label_zh, note.label_en),
        "bias_pct": note.bias_pct,
        "refusal": one.refusal,
        "volatility": None if found is None else to_decimal(found.volatility, places=_PLACES),
        "standard_error": None if found is None else to_decimal(found.standard_error, places=_PLACES),
        "error": None if found is None else Text(*ERROR_LABELS[found.error_method]),
        "effective_count": None if found is None else to_decimal(found.effective_count, places=0),
        "estimate": found,
    }


def _chart(answer: service.VolatilityAnswer, language: Language) -> Chart | None:
    bars = [
        Bar(
            label=Words(zh=ESTIMATORS[one.estimator].label_zh, en=ESTIMATORS[one.estimator].label_en),
            amount=(percent := to_decimal(100.0 * one.estimate.volatility, places=1)),
            text=f"{percent}% ± {to_decimal(100.0 * one.estimate.standard_error, places=1)}%",
        )
        for one in answer.estimates
        if one.estimate is not None and one.estimate.volatility > Decimal(0)
    ]
    if not bars:
        return None
    return bar_chart(
        title=Words(zh="各方法估计的年化波动率", en="Volatility a year by each estimator"), unit=Words(zh="%", en="%"),
        bars=bars, source=Words(zh=answer.source, en=answer.source), as_of=answer.last_date, language=language,
        width_px=420,
    )  # fmt: skip
