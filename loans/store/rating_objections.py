"""Objections to ratings and their answers at rest."""

from datetime import datetime

from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import NotFound
from carbonfin.storage.approvals import Approval
from loans.calc.ratings.objections import Objection, ObjectionAnswer, ObjectionDraft, ObjectionOutcome
from loans.models import RatingObjectionAnswerRow, RatingObjectionRow


def add_objection(session: Session, actor: Actor, objection: Objection) -> None:
    """Append an objection."""
    session.add(
        RatingObjectionRow(
            id=objection.id,
            organization_id=actor.organization_id,
            party_id=objection.party_id,
            number=objection.number,
            decision_id=objection.decision_id,
            ground=objection.draft.ground,
            received_on=objection.draft.received_on,
            answer_by=objection.answer_by,
            evidence=objection.draft.evidence,
            filed_by=objection.filed_by,
            filed_at=objection.filed_at,
        )
    )
    session.flush()


def add_answer(
    session: Session, checker: Actor, objection: Objection, approval: Approval, *, outcome: ObjectionOutcome,
    finding: str, new_decision_id: str | None, at: datetime,
) -> None:  # fmt: skip
    """Append the answer that two people gave."""
    session.add(
        RatingObjectionAnswerRow(
            organization_id=checker.organization_id,
            objection_id=objection.id,
            outcome=outcome,
            finding=finding,
            new_decision_id=new_decision_id,
            approval_id=approval.id,
            maker_id=approval.maker_id,
            maker_name=approval.maker_name,
            checker_id=checker.id,
            checker_name=checker.name,
            answered_at=at,
        )
    )
    session.flush()


def objections_of(session: Session, actor: Actor, party_id: str) -> tuple[Objection, ...]:
    """Give the objections of an enterprise with their answers, the latest first."""
    rows = session.exec(
        select(RatingObjectionRow)
        .where(RatingObjectionRow.organization_id == actor.organization_id, RatingObjectionRow.party_id == party_id)
        .order_by(col(RatingObjectionRow.number).desc())
    ).all()
    answers = session.exec(
        select(RatingObjectionAnswerRow).where(
            RatingObjectionAnswerRow.organization_id == actor.organization_id,
            col(RatingObjectionAnswerRow.objection_id).in_([row.id for row in rows]),
        )
    ).all()
    by_objection = {row.objection_id: _answer(row) for row in answers}
    return tuple(_objection(row, by_objection.get(row.id)) for row in rows)


def load_objection(session: Session, actor: Actor, objection_id: str) -> Objection:
    """Give one objection.

    Raises:
        NotFound: The bank has no such objection.
    """
    row = session.get(RatingObjectionRow, objection_id)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFound(f"there is no objection {objection_id}", zh="没有该异议记录", field="objection_id")
    return next(one for one in objections_of(session, actor, row.party_id) if one.id == objection_id)


def _objection(row: RatingObjectionRow, answer: ObjectionAnswer | None) -> Objection:
    return Objection(
        id=row.id,
        party_id=row.party_id,
        number=row.number,
        decision_id=row.decision_id,
        draft=ObjectionDraft(ground=row.ground, received_on=row.received_on, evidence=row.evidence),
        answer_by=row.answer_by,
        filed_by=row.filed_by,
        filed_at=row.filed_at,
        answer=answer,
    )


def _answer(row: RatingObjectionAnswerRow) -> ObjectionAnswer:
    return ObjectionAnswer(
        outcome=row.outcome,
        finding=row.finding,
        maker_name=row.maker_name,
        checker_name=row.checker_name,
        answered_at=row.answered_at,
        new_decision_id=row.new_decision_id,
    )
