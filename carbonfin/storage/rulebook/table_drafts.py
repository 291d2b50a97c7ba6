"""Versions of decision tables before they are in force: drafted, validated on record, come back to and proposed."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import NotApplicable
from carbonfin.rules.contracts import TableContract, contract_findings, contract_for, require_kept
from carbonfin.rules.draft_days import order_faults
from carbonfin.rules.tables import DecisionTable, TableVersion, plain_table
from carbonfin.rules.validate import Finding, validate
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Approval, ApprovalState, ProposalDraft
from carbonfin.storage.rulebook.findings import Found, validation_words
from carbonfin.storage.rulebook.tables import (
    TABLE_APPROVAL,
    draft_of,
    require_joined,
    require_publishable,
)

_WAITING = (ApprovalState.PROPOSED, ApprovalState.APPROVED)


def table_subject(draft: TableVersion) -> str:
    """Name what a proposal of a version is about; one of a name stands open at a time."""
    return f"table:{draft.table.name}:{draft.valid_from}:{draft.known_from}"


def draft_table(
    session: Session,
    maker: Actor,
    draft: TableVersion,
    *,
    reason: str,
    at: datetime,
    contracts: Iterable[TableContract],
    declares_gap: bool = False,
) -> Approval:
    """Keep a version as its maker's draft, sound or not, with what its validation found; no checker is asked.

    Args:
        session: An open session.
        maker: Who drafts.
        draft: The version.
        reason: Why.
        at: Now.
        contracts: What the decisions that read tables expect of them.
        declares_gap: Whether days left out between own versions are left out on purpose; so they are too where the
            version itself says so.

    Raises:
        InvalidInput: No reason, or it ends before it begins.
        NotPermitted: The maker's role may not propose tables.
        Conflict: Another version with the same dates is drafted or waits.
    """
    found = validate(draft.table).findings
    return _drafted(
        session, maker, _declaring(draft, declares_gap=declares_gap), reason=reason, at=at, contracts=contracts,
        found=found,
    )  # fmt: skip


def _declaring(draft: TableVersion, *, declares_gap: bool) -> TableVersion:
    """Let a version declare a gap where that was said beside it; what its file declares stands."""
    return replace(draft, declares_gap=draft.declares_gap or declares_gap)


def _drafted(
    session: Session,
    maker: Actor,
    draft: TableVersion,
    *,
    reason: str,
    at: datetime,
    contracts: Iterable[TableContract],
    found: Sequence[Finding],
) -> Approval:
    for fault in order_faults(draft, day=draft.known_from):  # the day it is known from may pass while it is a draft
        raise fault
    proposal = ProposalDraft(
        subject=table_subject(draft),
        title_zh=f"决策表 {draft.table.title_zh}",
        title_en=f"Decision table {draft.table.title_en}",
        payload=_payload(draft),
        reason=reason,
    )
    drafted = approvals.draft(session, maker, TABLE_APPROVAL, proposal, at=at)
    words = _words(draft.table, found, contracts)
    return approvals.note_validation(session, maker, drafted.id, found=words, at=at)


def submit_table(
    session: Session, maker: Actor, approval_id: str, *, at: datetime, contracts: Iterable[TableContract]
) -> Approval:
    """Put a saved draft before the checkers; it is validated again, and that stands on record.

    Raises:
        NotFound: The organisation has no such approval.
        NotApplicable: It is about no decision table.
        InvalidInput: As `propose_table` refuses.
        NotPermitted: Another person drafted it.
        Conflict: It is no draft any more, or another version with the same dates stands.
    """
    approval = approvals.load_approval(session, maker, approval_id)
    if approval.kind != TABLE_APPROVAL.name:
        raise NotApplicable(
            f"approval {approval_id} is about no decision table", zh="该审批不是决策表", field="approval_id"
        )
    draft, known = draft_of(approval), tuple(contracts)
    found = validate(draft.table).findings
    if approval.state is ApprovalState.DRAFT and approval.maker_id == maker.id:  # else the step itself says why not
        _require_proposable(session, maker, draft, at=at, contracts=known, found=found)
    approvals.note_validation(session, maker, approval_id, found=_words(draft.table, found, known), at=at)
    return approvals.submit(session, maker, TABLE_APPROVAL, approval_id, at=at)


def propose_table(
    session: Session,
    maker: Actor,
    draft: TableVersion,
    *,
    reason: str,
    at: datetime,
    contracts: Iterable[TableContract],
    declares_gap: bool = False,
) -> Approval:
    """Put a version of one of the organisation's own tables before the checkers at once: drafted, validated, proposed.

    Args:
        session: An open session.
        maker: Who proposes.
        draft: The version.
        reason: Why.
        at: Now.
        contracts: What the decisions that read tables expect of them; a table that none reads is allowed.
        declares_gap: Whether days left out between own versions are left out on purpose; so they are too where the
            version itself says so.

    Raises:
        InvalidInput: The table is not sound, breaks the contract of its name, its days are out of order, overlap or
            leave days out, or it would be known before its approval.
        NotPermitted: The maker's role may not propose tables.
        Conflict: Another version with the same dates stands or waits; a correction has a later `known_from`.
    """
    known, found = tuple(contracts), validate(draft.table).findings
    draft = _declaring(draft, declares_gap=declares_gap)
    _require_proposable(session, maker, draft, at=at, contracts=known, found=found)
    drafted = _drafted(session, maker, draft, reason=reason, at=at, contracts=known, found=found)
    return approvals.submit(session, maker, TABLE_APPROVAL, drafted.id, at=at)


def _require_proposable(
    session: Session,
    maker: Actor,
    draft: TableVersion,
    *,
    at: datetime,
    contracts: Iterable[TableContract],
    found: Sequence[Finding],
) -> None:
    require_publishable(session, maker, draft, day=china_day(at), findings=found)
    waiting, all_day = _waiting(session, maker, draft), draft.known_from != china_day(at)
    require_joined(session, maker, draft, waiting=waiting, known_all_day=all_day)
    contract = contract_for(contracts, draft.table.name)
    if contract is not None:
        require_kept(contract, draft.table)


def _words(table: DecisionTable, found: Sequence[Finding], contracts: Iterable[TableContract]) -> str:
    findings = (*found, *contract_findings(contracts, table))
    return validation_words(table.digest, [Found(zh=one.zh, en=one.en, is_fatal=one.is_fatal) for one in findings])


def _waiting(session: Session, maker: Actor, draft: TableVersion) -> tuple[TableVersion, ...]:
    """Give the versions of the same table that wait for their checkers; a file may bring several that join."""
    found = approvals.approvals_of(session, maker, states=_WAITING, kinds=(TABLE_APPROVAL,))
    return tuple(one for one in map(draft_of, found) if one.table.name == draft.table.name)


def _payload(draft: TableVersion) -> dict[str, Any]:
    return {
        "table": plain_table(draft.table),
        "valid_from": draft.valid_from.isoformat(),
        "valid_to": None if draft.valid_to is None else draft.valid_to.isoformat(),
        "known_from": draft.known_from.isoformat(),
    } | ({"declares_gap": True} if draft.declares_gap else {})
