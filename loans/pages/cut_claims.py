"""The register of claimed cuts for people, and the form of a claim."""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Response, Template
from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.kernel.parties import PartyKind
from carbonfin.storage.approvals import OPEN_STATES, approvals_of
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, parties_of, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.evidence import evidence_choices
from carbonfin.web.pages import Text, page
from carbonfin.web.problems import status_of
from loans import service
from loans.calc.cut_claims import CLAIMANT_WORDS, NEVER_ADDED_EN, NEVER_ADDED_ZH
from loans.calc.financed import DENOMINATORS_EN, DENOMINATORS_ZH, SHORT_NAMES_EN, SHORT_NAMES_ZH
from loans.pages.entries import read_entries
from loans.pages.facility_forms import attempt
from loans.pages.forms import error_words
from loans.schemas.cut_claims import CutClaimIn

_CLAIMANTS = {one: Text(*words) for one, words in CLAIMANT_WORDS.items()}
_METHODS = {one: Text(SHORT_NAMES_ZH[one], SHORT_NAMES_EN[one]) for one in SHORT_NAMES_ZH}
_DENOMINATORS = {one: Text(DENOMINATORS_ZH[one], DENOMINATORS_EN[one]) for one in DENOMINATORS_ZH}
_REMARK = Text(NEVER_ADDED_ZH, NEVER_ADDED_EN)
_NAMES = {
    "usci": Text("企业", "Enterprise"),
    "year": Text("年度", "Year"),
    "measure": Text("项目或措施", "Project or measure"),
    "cut_t": Text("措施年度碳减排量", "Yearly cut of the measure"),
    "claimant_kind": Text("主张人类别", "Kind of claimant"),
    "claimant": Text("借据号或减排量编号", "Loan note or number of the credit"),
    "investment_cny": Text("项目总投资", "Project investment"),
    "sold_t": Text("售出吨数", "Tonnes sold"),
    "evidence_digest": Text("依据文件", "Document"),
    "reason": Text("提出理由", "Reason"),
}
_OPTIONAL = ("sold_t", "investment_cny")
_MOST = 2_000


@get("/cut-claims", sync_to_thread=True)
def cut_claim_list(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show who claims which cuts, what is left of each, and the three figures of a loan beside each other."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        claims = service.cut_claims_of(session, actor)
        waiting = approvals_of(session, actor, states=OPEN_STATES, kinds=(service.CUT_CLAIM_APPROVAL,))
        names = {party.code: party for party in parties_of(session, actor)}
    return page(
        request,
        "loans/cut_claims.html",
        title=Text("降碳量登记", "Claimed cuts"),
        standing=standing,
        claims=claims,
        waiting=waiting,
        names=names,
        claimants=_CLAIMANTS,
        methods=_METHODS,
        denominators=_DENOMINATORS,
        remark=_REMARK,
        may_propose=actor.role is Role.OFFICER,
    )


@get("/cut-claims/new", sync_to_thread=True)
def cut_claim_form(request: WebRequest, sessions: Sessions, actor: Actor) -> Template:
    """Show the form of a claim."""
    with sessions.read() as session:
        return _form(request, session, actor, {"claimant_kind": "loan"}, failure=None)


@post("/cut-claims/new", sync_to_thread=True, status_code=303)
def send_cut_claim(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Propose the claim, or show again what was entered with the reason against it."""

    def work(session: Session, standing: Standing) -> None:
        given = _read(data)
        service.propose_cut_claim(session, actor, given.claim(), standing=standing, reason=given.reason)

    failure = attempt(sessions, actor, clock, work)
    if failure is None:
        return Redirect("/cut-claims", status_code=303)
    with sessions.read() as session:
        return _form(request, session, actor, data, failure=failure)


def _read(form: Mapping[str, str]) -> CutClaimIn:
    """Read the entries as the API reads them.

    Raises:
        InvalidInput: An entry reads what it cannot; the field is named.
    """
    names = [name for name in CutClaimIn.__struct_fields__ if name != "year"]
    body: dict[str, Any] = {name: form.get(name, "").strip()[:_MOST] for name in names}
    body |= {name: None for name in _OPTIONAL if not body[name]}
    year = form.get("year", "").strip()
    body["year"] = int(year) if year.isascii() and year.isdecimal() and len(year) == 4 else year
    return read_entries(body, CutClaimIn, _NAMES.get)


def _form(
    request: WebRequest, session: Session, actor: Actor, form: Mapping[str, str], *, failure: CarbonFinError | None
) -> Template:
    parties = parties_of(session, actor, kind=PartyKind.ENTERPRISE)
    files = [one for party in parties for one in evidence_choices(session, actor, f"party:{party.id}")]
    return page(
        request,
        "loans/cut_claim_form.html",
        title=Text("登记降碳量主张", "Claim a cut"),
        status_code=200 if failure is None else status_of(failure),
        form=form,
        names=_NAMES,
        enterprises=[(one.code, Text(f"{one.name} {one.code}", f"{one.name} {one.code}")) for one in parties],
        claimants=[(one.value, words) for one, words in _CLAIMANTS.items()],
        files=files,
        remark=_REMARK,
        failure=None if failure is None else error_words(failure),
        failed_field="" if failure is None else failure.field or "",
    )


routes = [cut_claim_list, cut_claim_form, send_cut_claim]
