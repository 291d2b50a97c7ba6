"""The day's exposures of all open repos: one read, one write of decisions, exposures and calls."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Batch, Failure
from carbonfin.kernel.cryptography import sha256_hex
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.kernel.units import cny
from carbonfin.rules.record import canonical_json, digest_of
from carbonfin.storage.decisions import (
    WrittenDecision,
    decision_with_digest,
    latest_decisions,
    rebuilt,
    record_decision,
    record_written,
)
from carbonfin.storage.parties import load_party
from carbonfin.storage.rows import new_ids
from collateral.calc.agreements import MarginCall, Repo, RepoExposureRecord
from collateral.calc.close_out import RepoSide
from collateral.calc.lifecycles import REPO
from collateral.calc.repo_exposure import (
    REPO_EXPOSURE,
    RepoExposureInputs,
    RepoExposureOutcome,
    decide_repo_exposure,
)
from collateral.calc.repo_netting import (
    REPO_NETTING,
    NettingInputs,
    NettingOutcome,
    decide_repo_netting,
    netted_repo,
    netting_key,
)
from collateral.service.call_notices import tell_calls
from collateral.service.call_rows import write_calls
from collateral.service.calls import IssuedUnder, begin_call, expire_call, is_past
from collateral.service.margin_terms import calendars_known
from collateral.service.pledge_haircuts import PolicyHaircuts
from collateral.service.repos import RepoFacts
from collateral.service.view import DeskView, desk_view, standing_on
from collateral.store import margin
from collateral.store import repos as store

VALUED = frozenset({"OPEN", "MARGIN_PENDING"})
_UNAGREED_STEPS = (("issue before notification time", "CALCULATED", "ISSUED"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Struck:
    """One repo's day: what it hangs on, its exposure, and the texts a decision is recorded with."""

    repo: Repo
    inputs: RepoExposureInputs
    outcome: RepoExposureOutcome
    written: WrittenDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """A call to be made: on which repo, for how much, by which decision, and which way the margin goes."""

    repo: Repo
    amount: Decimal
    decision_id: str
    direction: str = "delivery"


def revalue_repos(session: Session, actor: Actor, business_date: date) -> Batch[str]:
    """Strike the exposure of every open repo for a business date and issue the calls; again, nothing changes.

    Calls past their deadline, either way, expire first and begin their grace. Gives the codes valued. A repo that
    cannot be valued is a failure of the batch and stops no other. Repos of the same two parties under the same netting
    opinion are called once for what is due net; each other repo stands alone.
    """
    repos = store.repos_of(session, actor, states=VALUED)
    if not repos:
        return Batch(values=(), failures=())
    view = desk_view(session, standing_on(session, actor, business_date))
    _expire(session, actor, view, repos)
    struck_on = store.exposures_on(session, actor, view.day)
    haircuts = PolicyHaircuts.read(session, actor, view, keeps=True)
    facts, struck, failures = RepoFacts(session=session, haircuts=haircuts), [], []
    for repo in repos:
        try:
            struck.append(_struck(repo, canonical_json(facts.inputs_of(repo))))
        except CarbonFinError as error:
            failures.append(Failure.of(repo.terms.code, error))
    fresh = [one for one in struck if one.written.inputs_digest not in struck_on.get(one.repo.id, {})]
    decision_ids = {
        **{one.repo.id: struck_on.get(one.repo.id, {}).get(one.written.inputs_digest, "") for one in struck},
        **_keep(session, actor, view, fresh, struck_on=struck_on),
    }
    groups = _netted(repos, struck)
    alone = {one.repo.id for one in struck} - {one.repo.id for group in groups.values() for one in group}
    due = [
        _Due(repo=one.repo, amount=one.outcome.margin_call_amount, decision_id=decision_ids[one.repo.id])
        for one in fresh
        if one.repo.id in alone and one.outcome.is_called and one.repo.state == "OPEN"
    ]
    due += _returns(session, actor, [one for one in fresh if one.repo.id in alone], decision_ids)
    for key, group in groups.items():
        due += _net_due(session, actor, view, key, group, decision_ids=decision_ids)
    _call(session, actor, view, due)
    return Batch(values=tuple(one.repo.terms.code for one in struck), failures=tuple(failures))


def _expire(session: Session, actor: Actor, view: DeskView, repos: Sequence[Repo]) -> None:
    by_code = {repo.terms.code: repo for repo in repos}
    for call in margin.live_calls(session, actor):
        repo = by_code.get(call.agreement_code)
        if repo is not None and is_past(call, view.standing):
            expire_call(session, actor, call.id, agreement=f"repo:{repo.id}", standing=view.standing)


def _returns(session: Session, actor: Actor, alone: Sequence[_Struck], decision_ids: Mapping[str, str]) -> list[_Due]:
    """Give the margin that goes back, of repos for which nothing is called or on its way back already."""
    over = [one for one in alone if one.outcome.is_returned and one.repo.state == "OPEN"]
    waiting = {call.agreement_code for call in margin.live_calls(session, actor)} if over else set()
    return [
        _Due(
            repo=one.repo, amount=one.outcome.margin_return_amount or Decimal(0),
            decision_id=decision_ids[one.repo.id], direction="return",
        )
        for one in over
        if one.repo.terms.code not in waiting
    ]  # fmt: skip


def _struck(repo: Repo, inputs_text: str) -> _Struck:
    """Strike from what is written down, so that a replay starts from the same."""
    inputs = rebuilt(inputs_text, RepoExposureInputs)
    outcome = decide_repo_exposure(inputs)
    return _Struck(
        repo=repo,
        inputs=inputs,
        outcome=outcome,
        written=WrittenDecision(
            subject=f"repo:{repo.terms.code}", inputs=inputs_text, inputs_digest=sha256_hex(inputs_text.encode()),
            outputs=canonical_json(outcome),
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedRepo:
    """One open repo's day on the rules of a view, and what kept it from being struck.

    Attributes:
        call_cny: What it would be called for, 元; one netted with others only where it carries the call.
    """

    repo: Repo
    outcome: RepoExposureOutcome | CarbonFinError
    call_cny: Decimal


def tried_repos(session: Session, actor: Actor, view: DeskView) -> tuple[TriedRepo, ...]:
    """Strike every open repo as the run of the view's date would, netting included, and keep nothing."""
    repos = store.repos_of(session, actor, states=VALUED)
    facts = RepoFacts(session=session, haircuts=PolicyHaircuts.read(session, actor, view, keeps=False))
    struck = []
    found: dict[str, RepoExposureOutcome | CarbonFinError] = {}
    calls: dict[str, Decimal] = {}
    for repo in repos:
        try:
            struck.append(_struck(repo, canonical_json(facts.inputs_of(repo))))
        except CarbonFinError as error:
            found[repo.id] = error
    for one in struck:
        found[one.repo.id] = one.outcome
        calls[one.repo.id] = cny(one.outcome.margin_call_amount * one.inputs.fx.cny_per_unit)
    for group in _netted(repos, struck).values():
        net = decide_repo_netting(_netting_inputs(session, actor, view, group, decision_ids={}))
        for one in group:
            amount = net.call_amount if one.repo.terms.code == net.called_code else Decimal(0)
            calls[one.repo.id] = cny(amount * one.inputs.fx.cny_per_unit)
    return tuple(
        TriedRepo(repo=repo, outcome=found[repo.id], call_cny=calls.get(repo.id, Decimal("0.00"))) for repo in repos
    )


def _keep(
    session: Session, actor: Actor, view: DeskView, fresh: Sequence[_Struck], *, struck_on: dict[str, dict[str, str]]
) -> dict[str, str]:
    """Keep what was struck, and give the decision of each repo."""
    decision_ids = record_written(
        session, actor, REPO_EXPOSURE, [one.written for one in fresh], valid_on=view.day,
        known_at=view.standing.known_at,
    )  # fmt: skip
    store.add_repo_exposures(
        session,
        actor,
        view.day,
        [
            store.StruckRepo(
                repo_id=one.repo.id, revision=len(struck_on.get(one.repo.id, {})),
                inputs_digest=one.written.inputs_digest, decision_id=decision_id, outcome=one.outcome,
            )
            for one, decision_id in zip(fresh, decision_ids, strict=True)
        ],
    )  # fmt: skip
    return dict(zip([one.repo.id for one in fresh], decision_ids, strict=True))


def _netted(repos: Sequence[Repo], struck: Sequence[_Struck]) -> dict[str, list[_Struck]]:
    """Give the repos that are netted, by what they are netted under; a lone one stands alone.

    Where one of them cannot be valued all of them stand alone: what is not known must not hide what is due.
    """
    by_id = {one.repo.id: one for one in struck}
    groups: dict[str, list[_Struck | None]] = {}
    for repo in repos:
        key = _key_of(repo)
        if key is not None:
            groups.setdefault(key, []).append(by_id.get(repo.id))
    return {
        key: valued
        for key, group in groups.items()
        if len(group) > 1 and len(valued := [one for one in group if one is not None]) == len(group)
    }


def _key_of(repo: Repo) -> str | None:
    opinion = repo.netting_opinion
    return None if opinion is None else netting_key(seller_id=repo.seller_id, buyer_id=repo.buyer_id, opinion=opinion)


def _net_due(
    session: Session,
    actor: Actor,
    view: DeskView,
    key: str,
    group: Sequence[_Struck],
    *,
    decision_ids: dict[str, str],
) -> list[_Due]:
    """Decide the net margin of a group and give what is due: margin that goes back and the one call.

    Decided before from the same, nothing is; nor while a repo of the group waits for margin, either way.
    """
    inputs = _netting_inputs(session, actor, view, group, decision_ids=decision_ids)
    if decision_with_digest(session, actor, REPO_NETTING, subject=key, inputs_digest=digest_of(inputs)) is not None:
        return []
    recorded = record_decision(
        session, actor, REPO_NETTING, inputs, subject=key, valid_on=view.day, known_at=view.standing.known_at
    )
    net = recorded.outcome
    moved = [(one.code, one.amount, "return") for one in net.returns or ()]
    moved += [] if net.called_code is None else [(net.called_code, net.call_amount, "delivery")]
    if not moved or any(one.repo.state != "OPEN" for one in group) or _waits(session, actor, group):
        return []
    repos = {one.repo.terms.code: one.repo for one in group}
    return [
        _Due(repo=repos[code], amount=amount, decision_id=recorded.decision_id, direction=direction)
        for code, amount, direction in moved
    ]


def _waits(session: Session, actor: Actor, group: Sequence[_Struck]) -> bool:
    """Tell whether margin of a group is on its way: asked for again, it would move twice."""
    codes = {one.repo.terms.code for one in group}
    return any(call.agreement_code in codes for call in margin.live_calls(session, actor))


def _netting_inputs(
    session: Session, actor: Actor, view: DeskView, group: Sequence[_Struck], *, decision_ids: Mapping[str, str]
) -> NettingInputs:
    first, opinion = group[0].repo, group[0].repo.netting_opinion
    assert opinion is not None, "a group has an opinion"
    return NettingInputs(
        first_party_id=first.buyer_id,
        first_party=load_party(session, actor, first.buyer_id).name,
        second_party_id=first.seller_id,
        second_party=load_party(session, actor, first.seller_id).name,
        opinion=opinion,
        valuation_date=view.day,
        repos=tuple(
            netted_repo(
                one.inputs, side=RepoSide.BUYER if one.repo.buyer_id == first.buyer_id else RepoSide.SELLER,
                exposure_decision_id=decision_ids.get(one.repo.id, ""),
            )
            for one in group
        ),
        returns_margin=True,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class NetMargin:
    """The last decision on what two parties owe net, among whose repos one repo is."""

    decision_id: str
    inputs: NettingInputs
    outcome: NettingOutcome


def net_margins(session: Session, actor: Actor, *, key: str | None = None) -> dict[str, NetMargin]:
    """Give the last net margin each repo was part of, by its code; its inputs say of which business date.

    With a key, only of the repos netted under it.
    """
    return {
        repo.code: NetMargin(decision_id=one.id, inputs=one.inputs, outcome=one.outcome)
        for one in latest_decisions(session, actor, REPO_NETTING, subject=key)
        for repo in one.inputs.repos
    }


def net_of_repo(session: Session, actor: Actor, repo: Repo, exposure: RepoExposureRecord | None) -> NetMargin | None:
    """Give the net margin that one repo's exposure was part of; None where it has no opinion, or stood alone."""
    key = _key_of(repo)
    return None if key is None else net_of_exposure(net_margins(session, actor, key=key), repo, exposure)


def net_of_exposure(nets: Mapping[str, NetMargin], repo: Repo, exposure: RepoExposureRecord | None) -> NetMargin | None:
    """Give the net margin that a repo's exposure was part of; None where it stood alone on its day."""
    net = nets.get(repo.terms.code)
    is_of_day = net is not None and exposure is not None and net.inputs.valuation_date == exposure.business_date
    return net if is_of_day else None


def _call(session: Session, actor: Actor, view: DeskView, due: Sequence[_Due]) -> None:
    """Issue calls either way; without agreed terms a deadline is not known here, so none is shown."""
    if not due:
        return
    at = view.standing.known_at
    terms = margin.shared_terms_in_force(session, actor, on=view.day)
    calendars = calendars_known(session, at)
    parts = margin.parts_on(session, actor, view.day)
    begun_by_hours: dict[Hashable, IssuedUnder] = {}
    calls = []
    for call_id, one in zip(new_ids(len(due)), due, strict=True):
        code = one.repo.terms.code
        found = terms.get(code)
        begun = None
        if found is not None:
            hours = found.terms.hours
            begun = begun_by_hours.get(hours)
            if begun is None:
                begun = begun_by_hours[hours] = begin_call(calendars, found.terms, at=at)
        call = MarginCall(
            id=call_id, agreement_code=code, state="ISSUED", issued_on=view.day,
            deadline=None if begun is None else begun.deadline, currency=one.repo.terms.currency,
            cash_amount=one.amount, top_ups=(), decision_id=one.decision_id, closed_on=None,
            part=parts.get(code, 0), direction=one.direction,
            deadline_at=None if begun is None else begun.deadline_at, terms_id=None if found is None else found.id,
        )  # fmt: skip
        calls.append((call, _UNAGREED_STEPS if begun is None else begun.steps))
        parts[code] = call.part + 1
    write_calls(session, actor, view, calls)
    after = REPO.after("OPEN", "margin transfer due")
    called = [one.repo.id for one in due if one.direction == "delivery"]  # what goes back leaves the repo as it is
    moved = store.move_repos(session, actor, called, before="OPEN", after=after)
    assert moved == len(called), "a repo was moved by another transaction; this one is taken back and tried again"
    told = [(call, f"repo:{one.repo.id}") for (call, _), one in zip(calls, due, strict=True)]
    tell_calls(session, actor, told, at=at, is_first=True)
