"""Objections to ratings: filed, looked into, answered by two people; upheld, the enterprise is rated anew.

Lines that were wrong are corrected first, each with its reason, as a new version. An answer that upholds is refused
while nothing differs from what the rating was made of; once approved it makes a rating with a new known date beside the
old one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.kernel.parties import Party
from carbonfin.rules.parameters import ParameterBook, ParameterValue
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.decisions import load_inputs
from carbonfin.storage.parties import Standing, load_party, standing_of
from carbonfin.storage.rows import new_id
from loans.calc.ratings.objections import (
    ANSWER_DAYS_KEY,
    Objection,
    ObjectionDraft,
    ObjectionOutcome,
    ObjectionState,
    require_words,
)
from loans.calc.ratings.results import RatingResult
from loans.calc.ratings.scorecard_decision import SCORECARD_KIND, ScorecardInputs, decide_scorecard
from loans.service import facts
from loans.service.scorecard import rate_by_scorecard, scorecard_inputs
from loans.store import rating_objections as store
from loans.store import ratings


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectionView:
    """An objection with where it stands, and the rating it speaks of in short.

    Attributes:
        answer_days: Days to answer as they were known when it was filed, with whether a person has confirmed them.
    """

    objection: Objection
    state: ObjectionState
    answer_days: ParameterValue | None
    rating: RatingResult | None
    new_rating: RatingResult | None


def file_objection(
    session: Session, actor: Actor, party: Party, draft: ObjectionDraft, *, standing: Standing
) -> Objection:
    """Write down an enterprise's objection to its latest rating by the scorecard.

    Raises:
        NotFound: It has no rating.
        InvalidInput: It was received on a later day than today, or before the rating was made.
        Conflict: One to the same rating is not answered yet.
    """
    if draft.received_on > standing.business_date:
        raise InvalidInput(
            f"received_on {draft.received_on} is after {standing.business_date}",
            zh=f"收到日 {draft.received_on} 晚于 {standing.business_date}", field="received_on",
        )  # fmt: skip
    last = ratings.last_result(session, actor, party.id)
    if last is None:
        raise NotFound(
            f"{party.code} has no rating by the scorecard", zh="该企业没有评分卡评级，无从提出异议", field="usci",
            remedy="Rate it first.", remedy_zh="请先评级。",
        )  # fmt: skip
    if draft.received_on < last.valid_on:
        raise InvalidInput(
            f"received_on {draft.received_on} is before the rating of {last.valid_on} that it speaks of",
            zh=f"收到日 {draft.received_on} 早于所异议评级的评级日 {last.valid_on}", field="received_on",
            remedy="Give the day on which the objection to this rating came in.",
            remedy_zh="请填写收到对该评级异议的日期。",
        )  # fmt: skip
    known = store.objections_of(session, actor, party.id)
    if any(one.answer is None and one.decision_id == last.decision_id for one in known):
        raise Conflict(
            "an objection to this rating is not answered yet", zh="对该评级的上一异议尚未答复", field="ground",
            remedy="Answer it first; add its words to the answer.", remedy_zh="请先答复上一异议。",
        )  # fmt: skip
    days = _answer_days(facts.parameters(session, actor), draft, filed_at=standing.known_at)
    objection = Objection(
        id=new_id(),
        party_id=party.id,
        number=len(known) + 1,
        decision_id=last.decision_id,
        draft=draft,
        answer_by=None if days is None else draft.received_on + timedelta(days=days.integer),
        filed_by=actor.id,
        filed_at=standing.known_at,
        answer=None,
    )
    store.add_objection(session, actor, objection)
    return objection


def objections_of(session: Session, actor: Actor, party_id: str) -> tuple[ObjectionView, ...]:
    """Give the objections of an enterprise, the latest first, each with where it stands.

    Raises:
        NotFound: The bank knows no such enterprise.
    """
    load_party(session, actor, party_id)
    book = facts.parameters(session, actor)
    results = {one.decision_id: one for one in ratings.results_of(session, actor, party_id)}
    return tuple(
        ObjectionView(
            objection=one,
            state=_state(session, actor, one),
            answer_days=_answer_days(book, one.draft, filed_at=one.filed_at),
            rating=results.get(one.decision_id),
            new_rating=None if one.answer is None else results.get(one.answer.new_decision_id or ""),
        )
        for one in store.objections_of(session, actor, party_id)
    )


def require_objection_of(session: Session, actor: Actor, party_id: str, objection_id: str) -> None:
    """Refuse an objection that is another enterprise's.

    Raises:
        NotFound: The bank has no such objection of this enterprise.
    """
    if store.load_objection(session, actor, objection_id).party_id != party_id:
        raise NotFound(
            f"enterprise {party_id} has no objection {objection_id}", zh="该企业没有此异议", field="objection_id"
        )


def _answer_days(book: ParameterBook, draft: ObjectionDraft, *, filed_at: datetime) -> ParameterValue | None:
    return book.find(ANSWER_DAYS_KEY, valid_on=draft.received_on, known_at=filed_at)


def propose_answer(
    session: Session, maker: Actor, objection_id: str, *, outcome: ObjectionOutcome, finding: str, standing: Standing
) -> Approval:
    """Put an answer before the checkers, with what rating anew would give; nothing changes until one approves it.

    Raises:
        NotFound: The bank has no such objection.
        Conflict: It is answered, an answer waits, or it is to be upheld while nothing was corrected.
        MissingData: It cannot be rated anew.
    """
    objection = store.load_objection(session, maker, objection_id)
    require_words(finding, field="finding", zh="请写明核查情况及答复")
    _require_unanswered(objection)
    party = load_party(session, maker, objection.party_id)
    before = load_inputs(session, maker, SCORECARD_KIND, objection.decision_id)
    rated = decide_scorecard(before).rating
    after = None
    if outcome is ObjectionOutcome.UPHELD:
        after = decide_scorecard(_corrected(session, maker, party, before, standing=standing)).rating
    return approvals.propose(
        session,
        maker,
        OBJECTION_APPROVAL,
        ProposalDraft(
            subject=f"rating_objection:{objection.id}",
            title_zh=f"评级异议答复 {party.name} 第 {objection.number} 号",
            title_en=f"Answer to objection {objection.number} of {party.name}",
            payload={
                "party": f"{party.name} {party.code}", "party_id": party.id, "objection_id": objection.id,
                "number": objection.number, "ground": objection.draft.ground,
                "received_on": objection.draft.received_on.isoformat(), "outcome": str(outcome), "finding": finding,
                "letter_before": rated.letter, "points_before": _text(rated.points),
                "letter_after": None if after is None else after.letter,
                "points_after": None if after is None else _text(after.points),
            },
            reason=finding,
        ),
        at=standing.known_at,
    )  # fmt: skip


def _corrected(
    session: Session, actor: Actor, party: Party, before: ScorecardInputs, *, standing: Standing
) -> ScorecardInputs:
    """Give what the rating would be made of now, for the year objected to; it must differ in what the account says.

    Rules, benchmark and emission factors stand as they were: what was learnt of them since corrects nothing in it.
    """
    now = scorecard_inputs(session, actor, party, year=before.current.year, standing=standing, method=before.method)
    same_rules = replace(
        now, rated_on=before.rated_on, known_on=before.known_on, benchmark=before.benchmark,
        previous_letter=before.previous_letter, name=before.name, factors=before.factors,
    )  # fmt: skip
    if same_rules == before:
        raise Conflict(
            "nothing in the account differs from what the rating was made of",
            zh="碳账户与原评级所用数据相同，没有可据以重新评级的更正", field="outcome",
            remedy="Record the corrected lines with their reason first, or dismiss the objection.",
            remedy_zh="请先以更正原因录入更正后的明细，或答复异议不成立。",
        )  # fmt: skip
    return now


def _apply(session: Session, checker: Actor, approval: Approval, _: Answer, at: datetime) -> None:
    """Write the answer down, and rate the enterprise anew where the objection was upheld."""
    payload = approval.payload
    objection = store.load_objection(session, checker, payload["objection_id"])
    _require_unanswered(objection)
    outcome, new_decision_id = ObjectionOutcome(payload["outcome"]), None
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    if outcome is ObjectionOutcome.UPHELD:
        party = load_party(session, checker, objection.party_id)
        before = load_inputs(session, checker, SCORECARD_KIND, objection.decision_id)
        _require_as_proposed(payload, _corrected(session, checker, party, before, standing=standing))
        made = rate_by_scorecard(session, checker, party, year=before.current.year, standing=standing)
        new_decision_id = made.decision_id
    store.add_answer(
        session, checker, objection, approval, outcome=outcome, finding=payload["finding"],
        new_decision_id=new_decision_id, at=standing.known_at,
    )  # fmt: skip


def _require_as_proposed(payload: Mapping[str, Any], now: ScorecardInputs) -> None:
    """Hold that rating anew gives what the checker read: the account may have changed since."""
    rating = decide_scorecard(now).rating
    if (rating.letter, _text(rating.points)) != (payload["letter_after"], payload["points_after"]):
        raise Conflict(
            "rating anew gives another result than was proposed", zh="碳账户在提交后又有变动，重新评级结果与提交时不同",
            field="outcome", remedy="Withdraw the answer and propose it again.", remedy_zh="请撤回后重新提交答复。",
        )  # fmt: skip


def _require_unanswered(objection: Objection) -> None:
    if objection.answer is not None:
        raise Conflict(
            f"objection {objection.number} was answered on {objection.answer.answered_at:%Y-%m-%d}",
            zh=f"第 {objection.number} 号异议已答复", field="objection_id",
        )  # fmt: skip


def _state(session: Session, actor: Actor, objection: Objection) -> ObjectionState:
    if objection.answer is not None:
        return ObjectionState(objection.answer.outcome.value)
    waiting = approvals.open_approval_of(
        session, actor.organization_id, kind=OBJECTION_APPROVAL.name, subject=f"rating_objection:{objection.id}"
    )
    return ObjectionState.OPEN if waiting is None else ObjectionState.WAITING


def _text(points: Decimal | None) -> str | None:
    return None if points is None else str(points)


OBJECTION_APPROVAL = ApprovalKind(
    name="loans.rating_objection",
    title_zh="评级异议答复",
    title_en="Answer to an objection to a rating",
    maker_roles=frozenset({Role.OFFICER, Role.SYSTEM}),
    checker_roles=frozenset({Role.CHECKER}),
    apply=_apply,
    address=lambda approval: f"/enterprises/{approval.payload['party_id']}/rating",
)
