"""Eligible-collateral schedules for people: the tree, what it says of each unit held, and the form to propose one."""

from typing import Annotated, Any

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Response, Template
from msgspec import Struct

from carbonfin.documents.charts import Language
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.language import language_of
from carbonfin.web.pages import Text, page
from carbonfin.web.readings import ReadLine
from carbonfin.web.wire import day_of
from collateral.calc.cdm_schedules import schedule_faults
from collateral.calc.schedule_verdicts import MOST_BYTES, rules_of, tree_of
from collateral.pages.charts import schedule_chart
from collateral.pages.words import unconfirmed_words
from collateral.service import eligibility_schedules
from collateral.service.eligibility_schedules import ScheduleDraft
from collateral.service.schedule_standings import schedule_standings
from collateral.service.view import desk_view

_PAGE = "/eligibility-schedules"


def schedule_lines(value: str) -> tuple[ReadLine, ...]:
    """Read a schedule's CDM JSON as a person does: its tree, then what a person should look at."""
    rules = rules_of(value)
    faults = ((one.place + 1, one.message_zh, one.message_en) for one in schedule_faults(rules))
    return (
        *(ReadLine(depth=one.depth, text=Text(one.text_zh, one.text_en)) for one in tree_of(rules)),
        *(
            ReadLine(depth=0, text=Text(f"第 {rule} 条：{zh}", f"rule {rule}: {en}"), is_warning=True)
            for rule, zh, en in faults
        ),
    )


class ScheduleForm(Struct, kw_only=True):
    """What the form sends."""

    file: UploadFile
    code: str = ""
    valid_from: str = ""
    document: str = ""
    reason: str = ""

    def draft(self) -> ScheduleDraft:
        """Read the entries.

        Raises:
            InvalidInput: An entry cannot be read; the field is named.
        """
        content = self.file.file.read(MOST_BYTES + 1)
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InvalidInput("the file is no UTF-8 text", zh="文件不是 UTF-8 文本", field="file") from error
        return ScheduleDraft(
            code=self.code.strip(), cdm=text, valid_from=day_of(self.valid_from.strip(), field="valid_from"),
            document=self.document.strip(), reason=self.reason.strip(),
        )  # fmt: skip


@get(_PAGE, sync_to_thread=True)
def eligibility_schedules_page(*, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show the schedules in force as trees, the verdict on each unit held, and the form to propose one."""
    return _show(request, sessions, actor, clock)


@post(_PAGE, sync_to_thread=True, status_code=303)
def send_eligibility_schedule(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[ScheduleForm, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> Response[Any]:
    """Propose the schedule of a file, or show again what was entered with the reason against it."""
    try:
        draft = data.draft()
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            waiting = eligibility_schedules.propose_schedule(session, actor, draft, standing=standing, at=clock.now())
    except CarbonFinError as error:
        return _show(request, sessions, actor, clock, form=data, failure=error)
    return Redirect(f"/approvals/{waiting.id}", status_code=303)


def _show(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    *,
    form: ScheduleForm | None = None,
    failure: CarbonFinError | None = None,
) -> Template:
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        view = desk_view(session, standing)
        found = eligibility_schedules.schedules_in_force(view)
        verdicts = eligibility_schedules.verdicts_of_holdings(session, actor, view)
        stands = schedule_standings(session, actor, view)
    language: Language = "en" if language_of(request).value == "en" else "zh"
    charts = {
        name: schedule_chart(name, shares, as_of=standing.business_date, language=language)
        for name, shares in stands.by_schedule
    }
    entries = {
        "code": form.code if form else "", "document": form.document if form else "",
        "reason": form.reason if form else "",
        "valid_from": form.valid_from if form else standing.business_date.isoformat(),
    }  # fmt: skip
    return page(
        request,
        "collateral/eligibility_schedules.html",
        title=Text("合格担保品清单", "Eligible-collateral schedules"),
        status_code=422 if failure else 200,
        business_date=standing.business_date,
        schedules=[(one, tree_of(one.rules), schedule_faults(one.rules)) for one in found],
        verdicts=verdicts,
        charts=charts,
        stands=stands,
        by_schedule=dict(stands.by_schedule),
        labels={one.name: one for one in stands.trace},
        unconfirmed_words=unconfirmed_words,
        form=entries,
        failed_field=failure.field if failure else "",
        failure_text=Text(f"{failure.zh} {failure.remedy_zh}".strip(), f"{failure.detail} {failure.remedy}".strip())
        if failure
        else None,
        may_propose=actor.role in {Role.OFFICER, Role.CHECKER, Role.RISK},
    )


routes = [eligibility_schedules_page, send_eligibility_schedule]
