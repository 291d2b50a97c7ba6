"""The rule parameters in force for an organisation: value, unit, both dates, document, grade, unconfirmed or not."""

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Template
from sqlmodel import Session

from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, standing_of
from carbonfin.storage.rulebook import book_for
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page

GRADE_WORDS = {
    Grade.READ: Text("已读原文", "document read"),
    Grade.SECONDARY: Text("二手资料", "second hand"),
    Grade.MEMORY: Text("凭记忆", "from memory"),
    Grade.UNKNOWN: Text("来源不明", "source unknown"),
    Grade.SAMPLE: Text("示例", "sample"),
}
_UNIT_WORDS = {
    "ratio": Text("比率", "ratio"), "bp": Text("基点", "bp"), "CNY": Text("元", "CNY"), "t": Text("吨", "t"),
    "days": Text("天", "days"), "date": Text("日期", "date"), "code": Text("代码", "code"),
    "text": Text("文字", "text"),
}  # fmt: skip
_SHOWN = [("", Text("全部", "All")), ("unconfirmed", Text("仅未确认", "Unconfirmed only"))]


@get("/administration/parameters", sync_to_thread=True)
def parameters_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    q: Annotated[str, QueryParameter(max_length=100)] = "",
    only: Annotated[str, QueryParameter(max_length=20)] = "",
) -> Template:
    """Show the rule parameters in force on the business date, all or those that nobody has confirmed."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        values = parameters_in_force(session, actor, standing)
    wanted = q.strip().casefold()
    shown = [value for value in values if wanted in _words(value) and (only != "unconfirmed" or not value.confirmed)]
    return page(
        request,
        "app/parameters.html",
        title=Text("规则参数", "Rule parameters"),
        standing=standing,
        values=shown,
        total_count=len(values),
        unconfirmed_count=sum(not value.confirmed for value in values),
        q=q.strip(),
        only=only,
        choices=_SHOWN,
        grade_words=GRADE_WORDS,
        unit_words=_UNIT_WORDS,
    )


def parameters_in_force(session: Session, actor: Actor, standing: Standing) -> list[ParameterValue]:
    """Give each value that speaks of the organisation's business date, its own and those that come with the product."""
    book = book_for(session, actor.organization_id, packages=[package.name for package in PACKAGES])
    return book.in_force(valid_on=standing.business_date, known_at=standing.known_at)


def _words(value: ParameterValue) -> str:
    return f"{value.key} {value.scope} {value.title_zh} {value.title_en} {value.document}".casefold()


routes = [parameters_page]
