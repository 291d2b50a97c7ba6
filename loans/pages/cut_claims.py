"""The register of claimed cuts for people, and the form of a claim."""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, QueryParameter
from litestar.response import Redirect, Response, Template
from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.kernel.parties import PartyKind
from carbonfin.storage.approvals import OPEN_STATES, approvals_of
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, parties_of, party_by_code, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.evidence import evidence_choices
from carbonfin.web.pages import Text, page
from carbonfin.web.problems import status_of
from carbonfin.web.wire import IdText, day_of
from loans import service
from loans.calc.cut_claims import CLAIMANT_WORDS, NEVER_ADDED_EN, NEVER_ADDED_ZH
from loans.calc.financed import DENOMINATORS_EN, DENOMINATORS_ZH, SHORT_NAMES_EN, SHORT_NAMES_ZH
from loans.pages.entries import read_entries
from loans.pages.facility_forms import attempt
from loans.pages.forms import error_words
from loans.schemas.cut_claims import CutClaimIn, CutReleaseIn

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
_RELEASE_NAMES = {
    "reason": Text("释放理由", "Why it is released"),
    "evidence_digest": Text("依据文件", "Document"),
}
_OPTIONAL = ("sold_t", "investment_cny")
_MOST = 2_000
_KINDS = (service.CUT_CLAIM_APPROVAL, service.CUT_RELEASE_APPROVAL)
_KnownOn = Annotated[str, QueryParameter(max_length=10)]


@get("/cut-claims", sync_to_thread=True)
def cut_claim_list(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, known_on: _KnownOn = ""
) -> Template:
    """Show who claims which cuts, what is left of each, and the three figures of a loan beside each other."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        failure, known_at = None, standing.known_at
        try:
            known_at = standing.known_by(day_of(known_on, field="known_on")) if known_on else standing.known_at
        except InvalidInput as refused:
            failure = refused
        claims = service.cut_claims_of(session, actor, known_at=known_at)
        waiting = approvals_of(session, actor, states=OPEN_STATES, kinds=_KINDS)
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
        known_on=known_on,
        is_past=known_at < standing.known_at,
        failure=None if failure is None else error_words(failure),
        may_propose=actor.role is Role.OFFICER,
        status_code=200 if failure is None else status_of(failure),
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


@get("/cut-claims/{claim_id:str}/release", sync_to_thread=True)
def cut_release_form(request: WebRequest, sessions: Sessions, actor: Actor, claim_id: FromPath[IdText]) -> Template:
    """Show a claim with the form that releases it."""
    with sessions.read() as session:
        return _release_form(request, session, actor, claim_id, {}, failure=None)


@post("/cut-claims/{claim_id:str}/release", sync_to_thread=True, status_code=303)
def send_cut_release(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    claim_id: FromPath[IdText],
    data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Propose the release, or show again what was entered with the reason against it."""

    def work(session: Session, standing: Standing) -> None:
        reason = data.get("reason", "").strip()[:_MOST]
        body = {"reason": reason, "evidence_digest": data.get("evidence_digest") or None}
        given = read_entries(body, CutReleaseIn, _RELEASE_NAMES.get)
        service.propose_cut_release(session, actor, given.release(claim_id), standing=standing)

    failure = attempt(sessions, actor, clock, work)
    if failure is None:
        return Redirect("/cut-claims", status_code=303)
    with sessions.read() as session:
        return _release_form(request, session, actor, claim_id, data, failure=failure)


def _release_form(
    request: WebRequest,
    session: Session,
    actor: Actor,
    claim_id: str,
    form: Mapping[str, str],
    *,
    failure: CarbonFinError | None,
) -> Template:
    kept = service.load_cut_claim(session, actor, claim_id)
    party = party_by_code(session, actor, kept.outcome.claim.usci)
    return page(
        request,
        "loans/cut_release_form.html",
        title=Text("释放降碳量主张", "Release a claim"),
        status_code=200 if failure is None else status_of(failure),
        form=form,
        names=_RELEASE_NAMES,
        kept=kept,
        party=party,
        claimants=_CLAIMANTS,
        files=evidence_choices(session, actor, f"party:{party.id}"),
        failure=None if failure is None else error_words(failure),
        failed_field="" if failure is None else failure.field or "",
    )


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


routes = [cut_claim_list, cut_claim_form, send_cut_claim, cut_release_form, send_cut_release]
