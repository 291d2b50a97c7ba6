"""Other terms of a scheme tried, for people: who moves, what it costs, how amounts are spread."""

from decimal import Decimal
from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Template

from carbonfin.documents.charts import Bar, Chart, Words, bar_chart
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.language import Language, Text, language_of
from carbonfin.web.pages import page
from reporting import service
from reporting.calc.schemes import Term
from reporting.calc.subsidies import OUTCOME_TITLES
from reporting.calc.what_if import BAND_TITLES
from reporting.service import WhatIfView

_Text = Annotated[str, QueryParameter(description="A value tried; left out, the term stays.", max_length=500)]
_YES_NO = [("", Text("不变", "as it stands")), ("yes", Text("是", "yes")), ("no", Text("否", "no"))]
_SHOWN = 200


@get("/subsidies/what-if", sync_to_thread=True)
def what_if_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    scheme: _Text = "",
    rate: _Text = "",
    cap_cny: _Text = "",
    cap_project_cny: _Text = "",
    cap_total_cny: _Text = "",
    max_years: _Text = "",
    budget_cny: _Text = "",
    window_opens: _Text = "",
    window_closes: _Text = "",
    conditions: _Text = "",
    settled_only: _Text = "",
    key_emitter_only: _Text = "",
    announcement_required: _Text = "",
) -> Template:
    """Show what other terms would do to every application filed; what was typed stays on an error."""
    form = {
        Term.RATE: rate, Term.CAP_CNY: cap_cny, Term.CAP_PROJECT_CNY: cap_project_cny,
        Term.CAP_TOTAL_CNY: cap_total_cny, Term.MAX_YEARS: max_years, Term.BUDGET_CNY: budget_cny,
        Term.WINDOW_OPENS: window_opens,
        Term.WINDOW_CLOSES: window_closes, Term.CONDITIONS: conditions, Term.SETTLED_ONLY: settled_only,
        Term.KEY_EMITTER_ONLY: key_emitter_only, Term.ANNOUNCEMENT_REQUIRED: announcement_required,
    }  # fmt: skip
    changes = {term: text.strip() for term, text in form.items() if text.strip()}
    view: WhatIfView | None = None
    failure: CarbonFinError | None = None
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        as_of = service.preview_day(session, actor, standing)
        schemes = service.schemes_known(session, actor, as_of=as_of)
        if scheme and changes:
            try:
                view = service.what_if(session, actor, scheme, changes, as_of=as_of)
            except CarbonFinError as error:
                failure = error
    return page(
        request,
        "reporting/what_if.html",
        title=Text("政策试算", "Policy what-if"),
        status_code=422 if failure else 200,
        schemes=[(code, Text(f"{title}（{code}）", f"{title} ({code})")) for code, title in schemes],
        scheme=scheme,
        form={term.value: text for term, text in form.items()},
        yes_no=_YES_NO,
        as_of=as_of,
        view=view,
        moves=() if view is None else view.found.moves[:_SHOWN],
        bands=() if view is None else _bands(view),
        outcome_words={outcome: Text(*titles) for outcome, titles in OUTCOME_TITLES.items()},
        chart=None if view is None else _chart(view, language_of(request)),
        failed_field=failure.field if failure else None,
        failure_text=None
        if failure is None
        else Text(f"{failure.zh} {failure.remedy_zh}".strip(), f"{failure.detail} {failure.remedy}".strip()),
    )


def _bands(view: WhatIfView) -> tuple[tuple[Text, int, int], ...]:
    found = view.found
    return tuple(
        (Text(*titles), before, after)
        for titles, before, after in zip(BAND_TITLES, found.before.bands, found.after.bands, strict=True)
    )


def _chart(view: WhatIfView, language: Language) -> Chart | None:
    """Draw how many applications come to each outcome on both sides."""
    sides = (("现行", "now", view.found.before), ("试算", "tried", view.found.after))
    bars = [
        Bar(
            label=Words(zh=f"{OUTCOME_TITLES[outcome][0]}（{zh}）", en=f"{OUTCOME_TITLES[outcome][1]} ({en})"),
            amount=Decimal(count), text=str(count),
        )
        for outcome in OUTCOME_TITLES
        for zh, en, side in sides
        for count in [dict(side.outcomes)[outcome]]
    ]  # fmt: skip
    if not view.population_count:
        return None
    return bar_chart(
        title=Words(zh="结论怎样变动？", en="How do outcomes move?"), unit=Words(zh="件", en="applications"), bars=bars,
        source=Words(zh="全部已提交申请", en="every application filed"), as_of=view.as_of, language=language.value,
    )  # fmt: skip


routes = [what_if_page]
