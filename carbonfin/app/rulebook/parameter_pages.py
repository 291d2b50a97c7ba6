"""Parameters for people: the list by package and both dates, one with its history, and the form for a new value."""

from datetime import date
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, QueryParameter
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct

from carbonfin.app.approvals.kinds import STATE_WORDS
from carbonfin.app.rulebook.parameter_list import (
    GRADE_WORDS,
    ONLY_WORDS,
    PACKAGE_WORDS,
    SORT_WORDS,
    UNIT_WORDS,
    Wanted,
    history_of,
    package_of,
    whole_book,
)
from carbonfin.app.rulebook.parameter_proposals import Preview, TypedValue, previewed, proposed
from carbonfin.app.rulebook.shelf import dates_asked, instant_typed
from carbonfin.app.rulebook.value_readings import compared_lines
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock, china_day
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.rules.parameters import ParameterValue
from carbonfin.storage.approvals import OPEN_STATES, approvals_of
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import Place
from carbonfin.storage.rulebook import PARAMETER_APPROVAL
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import csv_text, download
from carbonfin.web.pages import Text, page
from carbonfin.web.paging import Paging
from carbonfin.web.problems import status_of
from carbonfin.web.wire import day_of

_Day = Annotated[str, QueryParameter(max_length=10)]
_Time = Annotated[str, QueryParameter(max_length=5, description="Time of that day in China, HH:MM.")]
_Word = Annotated[str, QueryParameter(max_length=100)]
_Short = Annotated[str, Meta(max_length=200)]
_DayText = Annotated[str, Meta(max_length=10)]
_EXPORTED_MAX = 100_000
_HEADS = (
    "参数代码", "适用范围", "名称", "取值", "单位", "生效日", "失效日", "知悉日", "依据文件", "文号", "条款", "引文",
    "可信程度", "是否确认", "经办与复核", "说明",
)  # fmt: skip


class ValueForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form of a new value sends."""

    key: _Short = ""
    scope: _Short = ""
    value: _Short = ""
    unit: _Short = ""
    valid_from: _DayText = ""
    valid_to: _DayText = ""
    known_from: _DayText = ""
    document: _Short = ""
    article: _Short = ""
    grade: _Short = ""
    confirmed: Annotated[str, Meta(max_length=3)] = ""
    note: Annotated[str, Meta(max_length=1000)] = ""
    document_number: _Short = ""
    quote: Annotated[str, Meta(max_length=2000)] = ""
    declares_gap: Annotated[str, Meta(max_length=3)] = ""
    evidence: Annotated[str, Meta(max_length=64)] = ""
    reason: Annotated[str, Meta(max_length=2000)] = ""
    step: Annotated[str, Meta(max_length=10)] = ""

    def typed(self) -> TypedValue:
        """Read what was typed.

        Raises:
            InvalidInput: A day is none.
        """
        return TypedValue(
            key=self.key.strip(), scope=self.scope.strip(), value=self.value.strip(), unit=self.unit.strip(),
            valid_from=_required_day(self.valid_from, "valid_from"),
            valid_to=day_of(self.valid_to, field="valid_to") if self.valid_to else None,
            known_from=_required_day(self.known_from, "known_from"), document=self.document.strip(),
            article=self.article.strip(), grade=self.grade, confirmed=self.confirmed == "yes", note=self.note.strip(),
            document_number=self.document_number.strip(), quote=self.quote.strip(),
            declares_gap=self.declares_gap == "yes",
        )  # fmt: skip


@get("/rules/parameters", sync_to_thread=True)
def parameters_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    paging: Paging,
    package: _Word = "",
    valid_on: _Day = "",
    known_on: _Day = "",
    q: _Word = "",
    only: _Word = "",
    sort: _Word = "key",
) -> Template:
    """Show the parameters in force on a pair of days, by package, in pages."""
    wanted = Wanted(package=package, words=q, only=only, sort=sort)
    with sessions.read() as session:
        dates = dates_asked(session, actor, clock, valid_on=valid_on, known_on=known_on)
        values = whole_book(session, actor).in_force(valid_on=dates.valid_on, known_at=dates.known_at)
        waiting = approvals_of(session, actor, states=OPEN_STATES, kinds=(PARAMETER_APPROVAL,))
    found = wanted.page(values, paging.place)
    return page(
        request,
        "app/parameters.html",
        title=Text("规则参数", "Rule parameters"),
        values=found.items,
        beginning=paging.beginning,
        following=paging.following(found),
        total_count=len(values),
        unconfirmed_count=sum(not value.confirmed for value in values),
        state_words=STATE_WORDS,
        waiting=waiting,
        wanted=wanted,
        valid_on=dates.valid_on.isoformat(),
        known_on=china_day(dates.known_at).isoformat(),
        packages=[("", Text("全部", "All")), *PACKAGE_WORDS.items()],
        choices=list(ONLY_WORDS.items()),
        sorts=list(SORT_WORDS.items()),
        package_words=lambda value: PACKAGE_WORDS.get(package_of(value.key), Text("其他", "Other")),
        grade_words=GRADE_WORDS,
        unit_words=UNIT_WORDS,
    )


@get("/rules/parameters/export/{ending:str}", sync_to_thread=True)
def export_parameters(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    ending: FromPath[str],
    package: _Word = "",
    valid_on: _Day = "",
    known_on: _Day = "",
    q: _Word = "",
    only: _Word = "",
    sort: _Word = "key",
) -> Response[Any]:
    """Give the parameters in force on a pair of days as CSV."""
    if ending != "csv":
        raise InvalidInput(f"parameters are offered as csv, not {ending[:10]!r}", zh="仅提供 csv 格式", field="ending")
    wanted = Wanted(package=package, words=q, only=only, sort=sort)
    with sessions.read() as session:
        dates = dates_asked(session, actor, clock, valid_on=valid_on, known_on=known_on)
        values = whole_book(session, actor).in_force(valid_on=dates.valid_on, known_at=dates.known_at)
    shown = wanted.page(values, Place(limit=_EXPORTED_MAX)).items
    return download(
        csv_text([list(_HEADS), *map(_line, shown)]), stem=f"规则参数-{dates.valid_on}", ending="csv"
    )  # fmt: skip


@get("/rules/parameters/{key:str}", sync_to_thread=True)
def parameter_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    key: FromPath[str],
    valid_on: _Day = "",
    known_on: _Day = "",
    known_time: _Time = "",
) -> Template:
    """Show every value a parameter has had, by both dates, with its source and who approved it."""
    with sessions.read() as session:
        known_at = instant_typed(known_on, known_time)
        dates = dates_asked(
            session, actor, clock, valid_on=valid_on, known_on="" if known_at else known_on, known_at=known_at
        )
        history = history_of(whole_book(session, actor), key, dates)
    first = history[0].value
    return page(
        request,
        "app/parameter.html",
        title=Text(first.title_zh or key, first.title_en or key),
        key=key,
        unit=UNIT_WORDS.get(first.unit, Text(first.unit, first.unit)),
        history=history,
        lines={one.value.digest: compared_lines(one.value, None) for one in history},
        valid_on=dates.valid_on.isoformat(),
        known_on=china_day(dates.known_at).isoformat(),
        known_time=known_time,
        grade_words=GRADE_WORDS,
    )


@get("/rules/parameters/drafts", sync_to_thread=True)
def parameter_draft_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    key: _Word = "",
    value_scope: Annotated[str, QueryParameter(name="scope", max_length=200)] = "",
) -> Template:
    """Show the form of a new value; one that changes a parameter begins with what is known of it."""
    with sessions.read() as session:
        book = whole_book(session, actor)
    today = china_day(clock.now())
    listed = [one for one in book.values() if one.key == key]
    like = next((one for one in listed if one.scope == value_scope), listed[0] if listed else None)
    entry = ValueForm(known_from=today.isoformat(), valid_from=today.isoformat())
    if like is not None:
        entry = ValueForm(
            key=key, scope=value_scope, value=like.value, unit=like.unit, valid_from=today.isoformat(),
            known_from=today.isoformat(),
        )  # fmt: skip
    return _shown(request, sessions, actor, entry=entry)


@post("/rules/parameters/drafts", sync_to_thread=True, status_code=200)
def preview_parameter_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[ValueForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Template:
    """Prove a draft and show what it would do to decisions that stand; nothing is stored."""
    try:
        with sessions.read() as session:
            preview = previewed(session, actor, data.typed(), at=clock.now())
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, entry=data, failure=failure)
    return _shown(request, sessions, actor, entry=data, preview=preview)


@post("/rules/parameters/proposals", sync_to_thread=True)
def propose_parameter_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[ValueForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Propose a value or keep it as a draft; another approves it; evidence can be added on the approval's page."""
    evidence = (data.evidence,) if data.evidence else ()
    try:
        with sessions.begin() as session:
            approval = proposed(
                session,
                actor,
                data.typed(),
                reason=data.reason.strip(),
                at=clock.now(),
                evidence=evidence,
                is_draft=data.step == "draft",
            )
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, entry=data, failure=failure)
    return Redirect(f"/approvals/{approval.id}", status_code=303)


def _shown(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    *,
    entry: ValueForm,
    preview: Preview | None = None,
    failure: CarbonFinError | None = None,
) -> Template:
    with sessions.read() as session:
        book = whole_book(session, actor)
    titles = {one.key: Text(f"{one.title_zh}（{one.key}）", f"{one.title_en} ({one.key})") for one in book.values()}
    faults = preview.faults if preview is not None else ()
    refused = failure is not None or bool(faults)
    return page(
        request,
        "app/parameter_draft.html",
        title=Text("发起参数变更", "Propose a parameter's value"),
        status_code=status_of(failure) if failure is not None else 422 if refused else 200,
        entry=entry,
        keys=sorted(titles.items()),
        grades=[(grade.value, words) for grade, words in GRADE_WORDS.items()],
        preview=preview,
        errors={one.field: Text(one.zh, one.detail) for one in (*([failure] if failure is not None else ()), *faults)},
        failure=None if failure is None else Text(failure.zh or failure.detail, failure.detail),
        remedy=None if failure is None else Text(failure.remedy_zh, failure.remedy),
        faults=[Text(f"{one.zh}{_remedy(one.remedy_zh)}", f"{one.detail}. {one.remedy}") for one in faults],
    )


def _remedy(words: str) -> str:
    return f"；{words}" if words else ""


def _required_day(text: str, field: str) -> date:
    if not text:
        raise InvalidInput(
            f"{field} is missing", zh="请填写日期", field=field, remedy="Write YYYY-MM-DD.",
            remedy_zh="格式为 YYYY-MM-DD。",
        )  # fmt: skip
    return day_of(text, field=field)


def _line(value: ParameterValue) -> list[str]:
    return [
        value.key, value.scope, value.title_zh, value.value, value.unit, value.valid_from.isoformat(),
        "" if value.valid_to is None else value.valid_to.isoformat(), value.known_from.isoformat(), value.document,
        value.document_number or "", value.article, value.quote or "", GRADE_WORDS[value.grade].zh,
        "是" if value.confirmed else "否", "、".join(value.approved_by) or "产品内置", value.note,
    ]  # fmt: skip


routes = [
    parameters_page, export_parameters, parameter_page, parameter_draft_page, preview_parameter_page,
    propose_parameter_page,
]  # fmt: skip
