"""One repo: terms, exposure by both methods with its trace, the call, what happened, and the ledger."""

from decimal import Decimal

from litestar import get
from litestar.params import FromPath
from litestar.response import Template

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.storage.decisions import load_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import load_party, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from collateral import service
from collateral.calc.lifecycles import REPO
from collateral.pages.words import BUCKETS, ENTRY_KINDS, SIDES, state_badge
from collateral.service import repo_events as life

_MAKERS = frozenset({Role.OFFICER, Role.SYSTEM})


@get("/repos/{repo_id:str}", sync_to_thread=True)
def repo_page(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, repo_id: FromPath[str]
) -> Template:
    """Show a repo with its last exposure."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        repo = service.load_repo(session, actor, repo_id)
        seller = load_party(session, actor, repo.seller_id)
        buyer = load_party(session, actor, repo.buyer_id)
        exposure = service.latest_repo_exposure(session, actor, repo.id, standing=standing)
        trace = () if exposure is None else load_decision(session, actor, exposure.decision_id).trace
        calls = service.live_calls(session, actor, agreement_code=repo.terms.code)
        events = life.repo_events_of(session, actor, repo.id)
        waiting = life.waiting_repo_event(session, actor, repo.id)
        age_days = life.repo_fail_age(session, repo, standing=standing)
        net = service.net_of_repo(session, actor, repo, exposure)
        entries = service.ledger_entries(session, actor, agreement_code=repo.terms.code)
    account = repo.terms.margin_account(repo.margin_steps)
    return page(
        request,
        "collateral/repo.html",
        title=Text(f"回购 {repo.terms.code}", f"Repo {repo.terms.code}"),
        repo=repo,
        terms=repo.terms,
        seller=seller,
        buyer=buyer,
        exposure=exposure,
        haircut_trace=trace,
        net=net,
        calls=calls,
        entries=entries,
        events=events,
        waiting=waiting,
        age_days=age_days,
        label=service.label_of(repo),
        margin_interest_amount=Decimal("0.00") if account is None else account.interest(standing.business_date),
        may_act=actor.role in _MAKERS and bool(life.repo_event_kinds(repo)),
        no_step=_why_no_step(repo, calls) if actor.role in _MAKERS else None,
        event_titles={kind: Text(*words) for kind, words in life.EVENT_TITLES.items()},
        sides=SIDES,
        state_badge=state_badge,
        entry_kinds=ENTRY_KINDS,
        buckets=BUCKETS,
        business_date=standing.business_date,
    )


def _why_no_step(repo: service.Repo, calls: tuple[service.MarginCall, ...]) -> Text | None:
    """Say why nobody can take a step now; None where somebody can."""
    if life.repo_event_kinds(repo):
        return None
    if calls:
        return Text(
            f"{calls[0].issued_on} 的追加保证金通知未了结，办结或撤回后方可办理其他事项",
            f"The margin call of {calls[0].issued_on} is open; settle or retract it before any other step",
        )
    return Text(
        f"当前状态“{REPO.states[repo.state]}”没有可办理的事项",
        f"No step can be taken in the state {repo.state.lower().replace('_', ' ')}",
    )
