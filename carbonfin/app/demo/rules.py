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
from carbonfin.storage.rulebook import TABLE_APPROVAL, propose_table, table_book_for, unconfirmed_clauses

_FILE = "sample_tables.toml"
_REASON = "示例决策表（虚构）"
_MORNING = time(10, tzinfo=CHINA)


def make_tables(session: Session, *, maker: Actor, checker: Actor) -> None:
    """Enter the sample bank's tables; those that stand already stay."""
    text = resources.files("carbonfin.app.demo").joinpath(_FILE).read_text(encoding="utf-8")
    versions = tables_from_toml(text, file_name=_FILE)
    book = table_book_for(session, maker.organization_id)
    standing = {(name, one.valid_from, one.known_from) for name in book.names() for one in book.versions(name)}
    for one in versions:
        if (one.table.name, one.valid_from, one.known_from) in standing:
            continue
        at = datetime.combine(one.known_from, _MORNING)
        proposed = propose_table(session, maker, one, reason=_REASON, at=at, contracts=TABLE_CONTRACTS)
        answer = Answer(reason=_REASON, accepted=unconfirmed_clauses(one.table))
        approvals.approve(
            session, checker, proposed.id, kinds=(TABLE_APPROVAL,), answer=answer, at=at, business_date=one.known_from
        )
