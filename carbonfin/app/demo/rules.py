"""The sample bank's decision tables, each proposed by one person and approved by another on the day it was known."""

from datetime import datetime, time
from importlib import resources

from sqlmodel import Session

from carbonfin.app.packages import TABLE_CONTRACTS
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import CHINA
from carbonfin.rules.table_files import tables_from_toml
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer
from carbonfin.storage.rulebook import TABLE_APPROVAL, TableDraft, propose_table, table_book_for, unconfirmed_clauses

_FILE = "sample_tables.toml"
_REASON = "示例决策表（虚构）"
_MORNING = time(10, tzinfo=CHINA)


def make_tables(session: Session, *, maker: Actor, checker: Actor) -> int:
    """Enter the sample bank's tables; those that stand already stay, and how many there are is told."""
    text = resources.files("carbonfin.app.demo").joinpath(_FILE).read_text(encoding="utf-8")
    versions = tables_from_toml(text, file_name=_FILE)
    book = table_book_for(session, maker.organization_id)
    standing = {one.table.digest for name in book.names() for one in book.versions(name)}
    for one in versions:
        if one.table.digest in standing:
            continue
        at = datetime.combine(one.known_from, _MORNING)
        draft = TableDraft(table=one.table, valid_from=one.valid_from, valid_to=one.valid_to, known_from=one.known_from)
        proposed = propose_table(session, maker, draft, reason=_REASON, at=at, contracts=TABLE_CONTRACTS)
        answer = Answer(reason=_REASON, accepted=unconfirmed_clauses(one.table))
        approvals.approve(
            session, checker, proposed.id, kinds=(TABLE_APPROVAL,), answer=answer, at=at, business_date=one.known_from
        )
    return len(versions)
