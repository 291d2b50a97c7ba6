"""Credit lines and loan contracts at rest, by both dates."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import china_day
from carbonfin.rules.record import canonical
from carbonfin.storage.approvals import Approval
from carbonfin.storage.decisions import rebuilt
from carbonfin.storage.parties import PartyRow
from loans.calc.facilities import CreditLine, DrawdownDraft, LoanContract, Record
from loans.models import CreditLineRow, LoanContractRow

T = TypeVar("T", CreditLine, LoanContract, DrawdownDraft)


def payload_of(terms: CreditLine | LoanContract | DrawdownDraft) -> dict[str, Any]:
    """Write terms as plain values, for the approval that two people sign and for the row."""
    plain: dict[str, Any] = canonical(terms)
    return plain


def terms_of_payload(payload: Mapping[str, Any], kind: type[T]) -> T:
    """Read terms back from what two people signed; what is shown beside them is left out."""
    own = {name: payload[name] for name in kind.__dataclass_fields__ if name in payload}
    return rebuilt(json.dumps(own), kind)


def lock_borrower(session: Session, party_id: str) -> None:
    """Have what is signed and drawn for one borrower wait for each other, where the engine can."""
    session.exec(select(PartyRow.id).where(PartyRow.id == party_id).with_for_update()).one()


def add_line(
    session: Session, checker: Actor, line: CreditLine, approval: Approval, *, known_from: date, at: datetime
) -> Record[CreditLine]:
    """Write down an approved line as its next revision."""
    last = session.exec(
        select(sa.func.max(CreditLineRow.revision)).where(
            CreditLineRow.organization_id == checker.organization_id, CreditLineRow.number == line.number
        )
    ).one()
    row = CreditLineRow(
        organization_id=checker.organization_id,
        number=line.number,
        revision=(last or 0) + 1,
        party_id=line.party_id,
        valid_from=line.valid_from,
        known_from=known_from,
        terms=payload_of(line),
        approval_id=approval.id,
        maker_id=approval.maker_id,
        maker_name=approval.maker_name,
        checker_id=checker.id,
        checker_name=checker.name,
        approved_at=at,
    )
    session.add(row)
    session.flush()
    return _line(row)


def add_contract(
    session: Session, checker: Actor, contract: LoanContract, approval: Approval, *, known_from: date, at: datetime
) -> Record[LoanContract]:
    """Write down an approved contract as its next revision."""
    last = session.exec(
        select(sa.func.max(LoanContractRow.revision)).where(
            LoanContractRow.organization_id == checker.organization_id, LoanContractRow.number == contract.number
        )
    ).one()
    row = LoanContractRow(
        organization_id=checker.organization_id,
        number=contract.number,
        revision=(last or 0) + 1,
        line_number=contract.line_number,
        valid_from=contract.valid_from,
        known_from=known_from,
        terms=payload_of(contract),
        approval_id=approval.id,
        maker_id=approval.maker_id,
        maker_name=approval.maker_name,
        checker_id=checker.id,
        checker_name=checker.name,
        approved_at=at,
    )
    session.add(row)
    session.flush()
    return _contract(row)


def lines_known(
    session: Session, actor: Actor, *, known_at: datetime, number: str | None = None
) -> tuple[Record[CreditLine], ...]:
    """Give every revision of the bank's lines, or of one, known at an instant, by number and revision."""
    query = select(CreditLineRow).where(
        CreditLineRow.organization_id == actor.organization_id,
        col(CreditLineRow.known_from) <= china_day(known_at),
    )
    if number is not None:
        query = query.where(CreditLineRow.number == number)
    rows = session.exec(query.order_by(col(CreditLineRow.number), col(CreditLineRow.revision))).all()
    return tuple(_line(row) for row in rows)


def contracts_known(
    session: Session, actor: Actor, *, known_at: datetime, number: str | None = None
) -> tuple[Record[LoanContract], ...]:
    """Give every revision of the bank's contracts, or of one, known at an instant, by number and revision."""
    query = select(LoanContractRow).where(
        LoanContractRow.organization_id == actor.organization_id,
        col(LoanContractRow.known_from) <= china_day(known_at),
    )
    if number is not None:
        query = query.where(LoanContractRow.number == number)
    rows = session.exec(query.order_by(col(LoanContractRow.number), col(LoanContractRow.revision))).all()
    return tuple(_contract(row) for row in rows)


def _line(row: CreditLineRow) -> Record[CreditLine]:
    return Record(
        id=row.id, revision=row.revision, terms=terms_of_payload(row.terms, CreditLine), known_from=row.known_from,
        approval_id=row.approval_id, maker_name=row.maker_name, checker_name=row.checker_name,
    )  # fmt: skip


def _contract(row: LoanContractRow) -> Record[LoanContract]:
    return Record(
        id=row.id, revision=row.revision, terms=terms_of_payload(row.terms, LoanContract), known_from=row.known_from,
        approval_id=row.approval_id, maker_name=row.maker_name, checker_name=row.checker_name,
    )  # fmt: skip
