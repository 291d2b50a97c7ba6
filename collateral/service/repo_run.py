"""The day's exposures of all open repos: one read, one write of decisions, exposures and calls."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Batch, Failure
from carbonfin.kernel.cryptography import sha256_hex
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.rules.record import canonical_json
from carbonfin.storage.decisions import WrittenDecision, rebuilt, record_written
from carbonfin.storage.rows import new_ids
from collateral.calc.agreements import MarginCall, Repo
from collateral.calc.lifecycles import REPO
from collateral.calc.repo import REPO_EXPOSURE, RepoExposureInputs, RepoExposureOutcome, decide_repo_exposure
from collateral.service.call_notices import tell_calls
from collateral.service.calls import IssuedUnder, begin_call
from collateral.service.margin_terms import calendars_known
from collateral.service.repos import RepoFacts
from collateral.service.view import DeskView, desk_view, standing_on
from collateral.store import daily, margin
from collateral.store import repos as store

_VALUED = frozenset({"OPEN", "MARGIN_PENDING"})
_UNAGREED_STEPS = (("issue before notification time", "CALCULATED", "ISSUED"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Struck:
    """One repo's day: its exposure, and the texts a decision is recorded with."""

    repo: Repo
    outcome: RepoExposureOutcome
    written: WrittenDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """A call to be made: on which repo, for how much, by which decision."""

    repo: Repo
    amount: Decimal
    decision_id: str


def revalue_repos(session: Session, actor: Actor, business_date: date) -> Batch[str]:
    """Strike the exposure of every open repo for a business date and issue the calls; again, nothing changes.

    Gives the codes valued. A repo that cannot be valued is a failure of the batch and stops no other.
    """
    repos = store.repos_of(session, actor, states=_VALUED)
    if not repos:
        return Batch(values=(), failures=())
    view = desk_view(session, standing_on(session, actor, business_date))
    struck_on = store.exposures_on(session, actor, view.day)
    facts, done, fresh, failures = RepoFacts(session=session, view=view), [], [], []
    for repo in repos:
        try:
            inputs_text = canonical_json(facts.inputs_of(repo))
            digest = sha256_hex(inputs_text.encode())
            if digest not in struck_on.get(repo.id, ()):
                fresh.append(_struck(repo, inputs_text, digest))
        except CarbonFinError as error:
            failures.append(Failure.of(repo.terms.code, error))
        else:
            done.append(repo.terms.code)
    decision_ids = _keep(session, actor, view, fresh, struck_on=struck_on)
    due = [
        _Due(repo=one.repo, amount=one.outcome.margin_call_amount, decision_id=decision_id)
        for one, decision_id in zip(fresh, decision_ids, strict=True)
        if one.outcome.is_called and one.repo.state == "OPEN"
    ]
    _call(session, actor, view, due)
    return Batch(values=tuple(done), failures=tuple(failures))


def _struck(repo: Repo, inputs_text: str, digest: str) -> _Struck:
    """Strike from what is written down, so that a replay starts from the same."""
    outcome = decide_repo_exposure(rebuilt(inputs_text, RepoExposureInputs))
    return _Struck(
        repo=repo,
        outcome=outcome,
        written=WrittenDecision(
            subject=f"repo:{repo.terms.code}", inputs=inputs_text, inputs_digest=digest,
            outputs=canonical_json(outcome),
        ),
    )  # fmt: skip


def _keep(
    session: Session, actor: Actor, view: DeskView, fresh: Sequence[_Struck], *, struck_on: dict[str, tuple[str, ...]]
) -> tuple[str, ...]:
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
                repo_id=one.repo.id, revision=len(struck_on.get(one.repo.id, ())),
                inputs_digest=one.written.inputs_digest, decision_id=decision_id, outcome=one.outcome,
            )
            for one, decision_id in zip(fresh, decision_ids, strict=True)
        ],
    )  # fmt: skip
    return decision_ids


def _call(session: Session, actor: Actor, view: DeskView, due: Sequence[_Due]) -> None:
    """Issue calls; without agreed terms a deadline is not known here, so none is shown."""
    if not due:
        return
    at = view.standing.known_at
    terms = margin.shared_terms_in_force(session, actor, on=view.day)
    calendars = calendars_known(session, at)
    parts = margin.parts_on(session, actor, view.day)
    begun_by_hours: dict[Hashable, IssuedUnder] = {}
    calls, steps = [], []
    for call_id, one in zip(new_ids(len(due)), due, strict=True):
        found = terms.get(one.repo.terms.code)
        begun = None
        if found is not None:
            hours = found.terms.hours
            begun = begun_by_hours.get(hours)
            if begun is None:
                begun = begun_by_hours[hours] = begin_call(calendars, found.terms, at=at)
        calls.append(
            MarginCall(
                id=call_id, agreement_code=one.repo.terms.code, state="ISSUED", issued_on=view.day,
                deadline=None if begun is None else begun.deadline, currency=one.repo.terms.currency,
                cash_amount=one.amount, top_ups=(), decision_id=one.decision_id, closed_on=None,
                part=parts.get(one.repo.terms.code, 0), direction="delivery",
                deadline_at=None if begun is None else begun.deadline_at,
                terms_id=None if found is None else found.id,
            )
        )  # fmt: skip
        steps += [
            (calls[-1], place, step) for place, step in enumerate(_UNAGREED_STEPS if begun is None else begun.steps)
        ]
    _write(session, actor, view, calls, steps)
    after = REPO.after("OPEN", "margin transfer due")
    moved = store.move_repos(session, actor, [one.repo.id for one in due], before="OPEN", after=after)
    assert moved == len(due), "a repo was moved by another transaction; this one is taken back and tried again"
    told = [(call, f"repo:{one.repo.id}") for call, one in zip(calls, due, strict=True)]
    tell_calls(session, actor, told, at=at, is_first=True)


def _write(
    session: Session,
    actor: Actor,
    view: DeskView,
    calls: Sequence[MarginCall],
    steps: Sequence[tuple[MarginCall, int, tuple[str, str, str]]],
) -> None:
    daily.add_calls(
        session,
        [
            {
                "id": call.id,
                "agreement_code": call.agreement_code,
                "deadline": call.deadline,
                "currency": call.currency,
                "cash_amount": call.cash_amount,
                "decision_id": call.decision_id,
                "part": call.part,
                "deadline_at": call.deadline_at,
                "terms_id": call.terms_id,
            }
            for call in calls
        ],
        [
            {
                "id": event_id,
                "call_id": call.id,
                "place": place,
                "event": event,
                "state_before": before,
                "state_after": after,
                "amount": call.cash_amount,
            }
            for event_id, (call, place, (event, before, after)) in zip(new_ids(len(steps)), steps, strict=True)
        ],
        of_all={
            "organization_id": actor.organization_id, "state": "ISSUED", "issued_on": view.day,
            "issued_at": view.standing.known_at, "direction": "delivery", "received_amount": Decimal("0.00"),
            "top_ups": [],
        },
        of_events={
            "organization_id": actor.organization_id, "business_date": view.day,
            "happened_at": view.standing.known_at, "actor_id": actor.id, "actor_name": actor.name,
            "cause": "日终盯市",
        },
    )  # fmt: skip
