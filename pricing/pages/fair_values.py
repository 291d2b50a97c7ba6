"""The fair value of a unit: whether its market is active, and rung by rung which price was taken."""

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Template

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.wire import day_of
from pricing import service
from pricing.calc.fair_value import ACTIVITY_LABELS, Activity
from pricing.calc.liquidity import POLICY_LABELS

_TONES = {Activity.ACTIVE: "good", Activity.INACTIVE: "warning", Activity.STALE: "breach"}


@get("/market/fair-value", sync_to_thread=True)
def fair_value_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    unit: Annotated[str, QueryParameter(max_length=20)] = "CEA",
    on: Annotated[str | None, QueryParameter(max_length=10)] = None,
) -> Template:
    """Show the fair value of one unit on a day, with activity, waterfall, band and prudent value."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        day = standing.business_date if not on else day_of(on, field="on")
        asked = Unit.parse(unit)
        units = tuple(service.quoted_units(session, actor, on=day, known_at=standing.known_at))
        answer = service.fair_value_of(session, actor, unit=asked, valuation_date=day, known_at=standing.known_at)
    use_zh, use_en = answer.use.words_on(day)
    return page(
        request,
        "pricing/fair_value.html",
        title=Text("公允价值", "Fair value"),
        answer=answer,
        policy=None if answer.decided is None else Text(*POLICY_LABELS[answer.decided.policy]),
        value=answer.value,
        units=tuple(sorted({*units, str(asked)})),
        use_words=Text(use_zh, use_en),
        alarms=[Text(zh, en) for zh, en in answer.alarms],
        reasons=[Text(zh, en) for zh, en in answer.value.activity.reasons],
        verdict=Text(*ACTIVITY_LABELS[answer.value.activity.verdict]),
        tone=_TONES[answer.value.activity.verdict],
    )
