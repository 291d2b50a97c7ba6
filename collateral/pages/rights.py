"""Who may hold what, for people: the dated table with clause and grade, by both dates."""

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Template

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock, china_day, end_of_china_day
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.wire import day_of
from collateral import service
from collateral.calc.holding_rights import ALLOWED, HOLDER_NAMES_ZH, RIGHT_NAMES_ZH, HoldingRight

_RIGHTS_EN = {
    HoldingRight.HOLD: "Hold", HoldingRight.TRADE: "Trade", HoldingRight.PLEDGE: "Pledge",
    HoldingRight.TAKE_TITLE: "Take by title", HoldingRight.SURRENDER: "Surrender",
}  # fmt: skip
_GRADES = {
    "read": Text("已读原文", "read"), "secondary": Text("转述", "secondary"), "memory": Text("凭记忆", "from memory"),
    "unknown": Text("未知", "unknown"), "sample": Text("示例", "sample"),
}  # fmt: skip
_Day = Annotated[str, QueryParameter(max_length=10)]


@get("/holding-rights", sync_to_thread=True)
def holding_rights_page(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, valid_on: _Day = "", known_on: _Day = ""
) -> Template:
    """Show the table as valid on a day and known on another; today's where none is asked."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        day = day_of(valid_on, field="valid_on") if valid_on else standing.business_date
        known_at = end_of_china_day(day_of(known_on, field="known_on")) if known_on else standing.known_at
        rows = service.holding_rights(session, actor, valid_on=day, known_at=known_at)
    return page(
        request,
        "collateral/holding_rights.html",
        title=Text("持有资格", "Who may hold what"),
        rows=rows,
        valid_on=day,
        known_on=china_day(known_at),
        rights=[Text(RIGHT_NAMES_ZH[one], _RIGHTS_EN[one]) for one in HoldingRight],
        kinds={kind: Text(zh, kind.value.replace("_", " ")) for kind, zh in HOLDER_NAMES_ZH.items()},
        allowed=ALLOWED,
        grades=_GRADES,
    )
