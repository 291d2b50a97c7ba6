"""A form to record what an authority ordered on a pledgor's units: a freeze, its lifting, or a deduction."""

from datetime import date
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, NotFound
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import load_party, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.evidence import evidence_choices
from carbonfin.web.pages import Text, page
from collateral import service
from collateral.calc.agreements import Pledge
from collateral.calc.authority_acts import ActDraft, ActKind, AuthorityAct
from collateral.pages.applications import whole_units
from collateral.pages.words import ACT_KINDS

_Short = Annotated[str, Meta(max_length=80)]
_Name = Annotated[str, Meta(max_length=200)]
_NEW = "/pledges/{pledge_id:str}/authority-acts/new"
_PLEDGED, _FREE = "pledged", "free"
_PLACES = [
    (_PLEDGED, Text("本笔质押的配额", "Units of this pledge")),
    (_FREE, Text("出质人未质押的配额", "Free units of the pledgor")),
]


class ActForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form sends; texts, so that nothing typed is lost on an error."""

    kind: _Short = ""
    place: _Short = _PLEDGED
    freeze_id: _Short = ""
    unit: _Short = ""
    quantity_t: _Short = ""
    authority: _Name = ""
    document: _Name = ""
    document_date: _Short = ""
    evidence: _Short = ""

    def draft(self, pledge: Pledge) -> ActDraft:
        """Give the act as it was entered.

        Raises:
            InvalidInput: A field cannot be read, or the act lacks what its kind needs.
        """
        if self.kind not in set(ActKind):
            raise InvalidInput("choose the kind", zh="请选择种类", field="kind")
        units = whole_units(
            self.unit.strip(), self.quantity_t.strip(), unit_field="unit", quantity_field="quantity_t"
        )  # fmt: skip
        return ActDraft(
            kind=ActKind(self.kind), party_id=pledge.pledgor_id,
            pledge_id=None if self.place == _FREE else pledge.id, unit=units.unit, quantity_t=units.quantity_t,
            freeze_id=self.freeze_id.strip() or None, authority=self.authority, document=self.document,
            document_date=_day(self.document_date), evidence_digest=self.evidence,
        )  # fmt: skip


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidInput(
            f"{text!r} is not a day", zh="请填写文书日期（年-月-日）", field="document_date"
        ) from error  # fmt: skip


@get(_NEW, sync_to_thread=True)
def act_form(*, request: WebRequest, sessions: Sessions, actor: Actor, pledge_id: FromPath[str]) -> Template:
    """Show the form."""
    return _form(request, sessions, actor, pledge_id, ActForm(), failure=None)


@post(_NEW, sync_to_thread=True, status_code=303)
def send_act(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    pledge_id: FromPath[str],
    data: Annotated[ActForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Record the act; coverage is struck anew and the pledge moves by it at once."""
    try:
        with sessions.begin() as session:
            pledge = service.load_pledge(session, actor, pledge_id)
            standing = standing_of(session, actor.organization_id, clock)
            service.record_act(session, actor, data.draft(pledge), standing=standing)
    except NotFound as failure:
        if failure.field != "freeze_id":
            raise
        return _form(request, sessions, actor, pledge_id, data, failure=failure)
    except CarbonFinError as failure:
        return _form(request, sessions, actor, pledge_id, data, failure=failure)
    return Redirect(f"/pledges/{pledge_id}#authority-acts", status_code=303)


def _form(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    pledge_id: str,
    form: ActForm,
    *,
    failure: CarbonFinError | None,
) -> Template:
    with sessions.read() as session:
        pledge = service.load_pledge(session, actor, pledge_id)
        pledgor = load_party(session, actor, pledge.pledgor_id)
        acts = service.acts_of_party(session, actor, pledge.pledgor_id)
        evidence = evidence_choices(session, actor, f"pledge:{pledge.id}")
        holdings = service.holdings_of(session, actor, pledge.pledgor_id)
    text = None if failure is None else Text(f"{failure.zh} {failure.remedy_zh}", f"{failure.detail} {failure.remedy}")
    named = "" if failure is None or failure.field is None else failure.field
    return page(
        request,
        "collateral/authority_act_form.html",
        title=Text(f"质押 {pledge.code}：登记有权机关文书", f"Pledge {pledge.code}: an authority's act"),
        status_code=200 if failure is None else 422,
        pledge=pledge,
        pledgor=pledgor,
        holdings=holdings,
        form=form,
        kinds=[(kind.value, words) for kind, words in ACT_KINDS.items()],
        places=_PLACES,
        freezes=[("", Text("无（首次冻结或直接扣划）", "None: a first freeze or a direct deduction")),
                 *((one.id, _freeze_words(one, pledge)) for one in acts if one.outstanding_t)],
        evidence=evidence,
        failure=text,
        errors={} if text is None or not named else {named: text},
    )  # fmt: skip


def _freeze_words(one: AuthorityAct, pledge: Pledge) -> Text:
    of = one.draft
    is_here = of.pledge_id == pledge.id
    on_zh = "本笔质押" if is_here else ("未质押" if of.pledge_id is None else "其他质押")
    on_en = "this pledge" if is_here else ("free units" if of.pledge_id is None else "another pledge")
    return Text(
        f"{of.document} {of.unit} 尚冻结 {one.outstanding_t:,} 吨（{on_zh}）",
        f"{of.document} {of.unit}, {one.outstanding_t:,} t still frozen ({on_en})",
    )


routes = [act_form, send_act]
