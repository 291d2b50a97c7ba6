"""What happens to a repo, for people: a form that weighs an event before it is asked for."""

from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, NotFound
from carbonfin.kernel.units import parse_decimal
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import load_party, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.wire import day_of
from collateral import service
from collateral.calc.close_out import RepoSide
from collateral.calc.repo_event_values import RepoEventDraft, RepoEventKind, RepoEventOutcome, ValueEvidence
from collateral.pages.words import SIDES, state_badge, unconfirmed_words
from collateral.service import repo_events as life
from collateral.service.repo_events import EVENT_TITLES

_Short = Annotated[str, Meta(max_length=64)]
_Words = Annotated[str, Meta(max_length=2000)]
_NEW = "/repos/{repo_id:str}/events/new"
_UNITS_MAX = 1_000_000_000


class RepoEventForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form of an event sends; texts, so that nothing typed is lost on an error."""

    action: _Short = "preview"
    kind: _Short = ""
    rate: _Short = ""
    unit: _Short = ""
    quantity_t: _Short = ""
    code: _Short = ""
    repurchase_date: _Short = ""
    purchase_price_amount: _Short = ""
    notice_days: _Short = ""
    party: _Short = ""
    defaulted_on: _Short = ""
    is_price_paid: _Short = ""
    dealt_on: _Short = ""
    dealt_cny: _Short = ""
    quotes: _Words = ""
    fair_cny_per_t: _Short = ""
    costs_cny: _Short = ""
    reason: _Words = ""

    def draft(self) -> RepoEventDraft:
        """Give the event as it was entered.

        Raises:
            InvalidInput: A field is missing or cannot be read.
        """
        if self.kind not in set(RepoEventKind):
            raise InvalidInput("choose what happens", zh="请选择事项", field="kind")
        return RepoEventDraft(
            kind=RepoEventKind(self.kind), reason=self.reason, rate=_figure(self.rate, "rate"),
            unit=Unit.parse(self.unit.strip()) if self.unit.strip() else None,
            quantity_t=_whole(self.quantity_t, "quantity_t"), code=self.code.strip(),
            repurchase_date=day_of(self.repurchase_date, field="repurchase_date") if self.repurchase_date else None,
            purchase_price_amount=_figure(self.purchase_price_amount, "purchase_price_amount"),
            notice_days=_whole(self.notice_days, "notice_days"),
            party=RepoSide(self.party) if self.party in set(RepoSide) else None,
            defaulted_on=day_of(self.defaulted_on, field="defaulted_on") if self.defaulted_on else None,
            is_price_paid=self.is_price_paid == "yes", evidence=self._evidence(),
        )  # fmt: skip

    def _evidence(self) -> ValueEvidence | None:
        if not (self.dealt_on or self.quotes.strip() or self.fair_cny_per_t.strip()):
            return None
        return ValueEvidence(
            dealt_on=day_of(self.dealt_on, field="dealt_on") if self.dealt_on else None,
            dealt_cny=_figure(self.dealt_cny, "dealt_cny"),
            quotes_cny_per_t=tuple(parse_decimal(one, field="quotes") for one in self.quotes.split()),
            fair_cny_per_t=_figure(self.fair_cny_per_t, "fair_cny_per_t"),
            costs_cny=parse_decimal(self.costs_cny.strip() or "0.00", field="costs_cny"),
        )


def _figure(text: str, field: str) -> Any:
    return parse_decimal(text.strip(), field=field) if text.strip() else None


def _whole(text: str, field: str) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isdecimal() or int(text) > _UNITS_MAX:
        raise InvalidInput(f"{text!r} is not a whole number", zh=f"“{text}”不是整数", field=field)
    return int(text)


FIELDS: dict[RepoEventKind, tuple[str, ...]] = {
    RepoEventKind.REPRICE: (),
    RepoEventKind.RATE: ("rate",),
    RepoEventKind.ADJUST: (),
    RepoEventKind.SUBSTITUTE: ("unit", "quantity_t"),
    RepoEventKind.ROLL: ("code", "repurchase_date", "rate", "purchase_price_amount"),
    RepoEventKind.TERMINATE: ("notice_days",),
    RepoEventKind.SETTLE: (),
    RepoEventKind.FAIL: ("party",),
    RepoEventKind.DELIVER: ("quantity_t", "is_price_paid"),
    RepoEventKind.MINI_CLOSE_OUT: ("is_price_paid", "evidence"),
    RepoEventKind.DEFAULT: ("party",),
    RepoEventKind.CLOSE_OUT: ("party", "defaulted_on", "evidence"),
}
"""The fields a form of each kind shows."""


@get(_NEW, sync_to_thread=True)
def repo_event_form(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, repo_id: FromPath[str], kind: str = ""
) -> Template:
    """Show the form of an event: what may happen in the repo's state, or the fields of the one chosen."""
    return _form(request, sessions, actor, repo_id, RepoEventForm(kind=kind[:64]), clock=clock)


@post(_NEW, sync_to_thread=True, status_code=200)
def send_repo_event(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    repo_id: FromPath[str],
    data: Annotated[RepoEventForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Weigh what was entered; with `ask`, put it before another person."""
    try:
        if data.action != "ask":
            with sessions.read() as session:
                standing = standing_of(session, actor.organization_id, clock)
                outcome = life.preview_repo_event(session, actor, repo_id, data.draft(), standing=standing)
            return _form(request, sessions, actor, repo_id, data, clock=clock, outcome=outcome)
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            waiting = life.propose_repo_event(session, actor, repo_id, data.draft(), standing=standing)
    except NotFound:
        raise
    except CarbonFinError as failure:
        return _form(request, sessions, actor, repo_id, data, clock=clock, failure=failure)
    return Redirect(f"/approvals/{waiting.id}", status_code=303)


def _form(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    repo_id: str,
    form: RepoEventForm,
    *,
    clock: Clock,
    outcome: RepoEventOutcome | None = None,
    failure: CarbonFinError | None = None,
) -> Template:
    with sessions.read() as session:
        repo = service.load_repo(session, actor, repo_id)
        standing = standing_of(session, actor.organization_id, clock)
        parties = [load_party(session, actor, one) for one in (repo.seller_id, repo.buyer_id)]
        age_days = life.repo_fail_age(session, repo, standing=standing)
        waiting = life.waiting_repo_event(session, actor, repo.id)
    kinds = life.repo_event_kinds(repo)
    chosen = next((kind for kind in kinds if kind.value == form.kind), None)
    errors: dict[str, Text] = {}
    if failure is not None and failure.field:
        errors[failure.field] = Text(
            f"{failure.zh}{'。' + failure.remedy_zh if failure.remedy_zh else ''}", f"{failure.detail} {failure.remedy}"
        )
    return page(
        request,
        "collateral/repo_event_form.html",
        title=Text(f"回购 {repo.terms.code} 存续期事项", f"Event of repo {repo.terms.code}"),
        status_code=200 if failure is None else 422,
        repo=repo,
        terms=repo.terms,
        parties=parties,
        age_days=age_days,
        waiting=waiting,
        form=form,
        chosen=chosen,
        fields=() if chosen is None else FIELDS[chosen],
        kinds=[(kind.value, Text(*EVENT_TITLES[kind])) for kind in kinds],
        sides=[(side.value, words) for side, words in SIDES.items()],
        outcome=outcome,
        labels={} if outcome is None else {figure.name: figure for figure in outcome.trace},
        failure=None if failure is None else Text(failure.zh, failure.detail),
        errors=errors,
        state_badge=state_badge,
        unconfirmed_words=unconfirmed_words,
    )


routes = [repo_event_form, send_repo_event]
