"""What a note's margin ratchet is worth: the clause and the chances typed in, the value by grade beside them."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Template

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.problems import status_of
from carbonfin.web.wire import IdText
from loans import service
from loans.calc.linked import RatchetKind
from loans.calc.notes import LoanNote
from loans.pages.entries import read_entries
from loans.pages.forms import error_words
from loans.schemas.ratchet_values import RatchetValueIn

_MOST = 4_000
_OPTIONAL = ("floor_bp", "cap_bp", "all_in_floor_rate")
_KINDS = (
    (RatchetKind.ABSOLUTE.value, Text("按等级定档", "to the grade's step")),
    (RatchetKind.CUMULATIVE.value, Text("逐次累计", "step upon step")),
)
_NAMES = {
    "grades": Text("等级、调整与迁移概率", "Grades, steps and chances"),
    "kind": Text("挂钩方式", "Kind"),
    "current_grade": Text("当前等级", "Current grade"),
    "floor_bp": Text("下限（BP）", "Floor (bp)"),
    "cap_bp": Text("上限（BP）", "Cap (bp)"),
    "all_in_floor_rate": Text("利率下限", "All-in floor"),
    "discount_rate": Text("贴现利率", "Discount rate"),
    "observation_dates": Text("观察日", "Observation dates"),
    "source": Text("迁移概率来源", "Source of the chances"),
}
_HELP = {
    "grades": Text(
        "每行一个等级：等级,调整BP,依次转为各等级的概率；每行概率合计须为 1，系统不代为归一",
        "one grade a line: name,step,chance of each grade in order; each line sums to one",
    ),
    "observation_dates": Text("以逗号分隔，自下一计息期起生效", "with commas; each counts from the next period"),
    "all_in_floor_rate": Text("以小数填写；按当前执行利率计", "as a decimal, at today's executed rate"),
    "discount_rate": Text("以小数填写，例如 0.03", "as a decimal, for example 0.03"),
    "floor_bp": Text("调整不低于此数，例如 -30", "never below, for example -30"),
}


@get("/loan-notes/{note_code:str}/ratchet-value", sync_to_thread=True)
def ratchet_value_page(request: WebRequest, sessions: Sessions, actor: Actor, note_code: FromPath[IdText]) -> Template:
    """Show the form that takes a ratchet and the chances of the grades."""
    with sessions.read() as session:
        note = service.load_note(session, actor, note_code)
    return _shown(request, note, {}, found=None, failure=None)


@post("/loan-notes/{note_code:str}/ratchet-value", sync_to_thread=True, status_code=200)
def send_ratchet_value(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    note_code: FromPath[IdText],
    data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Template:
    """Value the ratchet and show it beside what was typed; kept as a decision where that was asked."""
    keeps = data.get("action") == "record"
    with sessions.read() as session:
        note = service.load_note(session, actor, note_code)
    try:
        given = _read(data, note_code)
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            make = service.record_ratchet_value if keeps else service.try_ratchet_value
            found = make(session, actor, given.request(), standing=standing)
    except CarbonFinError as failure:
        return _shown(request, note, data, found=None, failure=failure)
    return _shown(request, note, data, found=found, failure=None)


def _read(form: Mapping[str, str], note_code: str) -> RatchetValueIn:
    rows = [[cell.strip() for cell in re.split("[,，]", line)] for line in _text(form, "grades").splitlines() if line]
    body: dict[str, Any] = {name: _text(form, name) for name in ("kind", "current_grade", "discount_rate", "source")}
    body |= {name: _text(form, name) or None for name in _OPTIONAL}
    body["note_code"] = note_code
    body["grades"] = [
        {"name": row[0], "adjustment_bp": row[1] if len(row) > 1 else "", "transitions": row[2:]} for row in rows
    ]
    body["observation_dates"] = [one for one in re.split("[,，、\\s]+", _text(form, "observation_dates")) if one]
    return read_entries(body, RatchetValueIn, _NAMES.get)


def _text(form: Mapping[str, str], name: str) -> str:
    return form.get(name, "").strip()[:_MOST]


def _shown(
    request: WebRequest,
    note: LoanNote,
    form: Mapping[str, str],
    *,
    found: service.ValuedRatchet | None,
    failure: CarbonFinError | None,
) -> Template:
    field = "" if failure is None else (failure.field or "")
    at = {"adjustment_bp": "grades", "transitions": "grades"}.get(field, field)
    words = None if failure is None else error_words(failure)
    rows = None
    if found is not None:
        current = next(one for one in found.outcome.grades if one.name == found.outcome.current_grade)
        rows = list(zip(found.inputs.periods, current.expected_bp, strict=True))
    return page(
        request,
        "loans/ratchet_value.html",
        title=Text(f"借据 {note.code} 利差挂钩条款的价值", f"Value of the ratchet of note {note.code}"),
        status_code=200 if failure is None else status_of(failure),
        note=note,
        form=form,
        names=_NAMES,
        help=_HELP,
        kinds=_KINDS,
        optional=_OPTIONAL,
        found=found,
        rows=rows,
        failure=words,
        failed_field=at,
    )


routes = [ratchet_value_page, send_ratchet_value]
