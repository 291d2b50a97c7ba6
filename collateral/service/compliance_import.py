"""Files of compliance years: read whole, stored whole or not at all."""

from dataclasses import dataclass

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import china_day
from carbonfin.storage.parties import Standing, parties_of
from collateral.feeds.compliance_files import ComplianceFile, ComplianceRow, read_compliance_file
from collateral.service.compliance import record_compliance_position


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplianceImport:
    """What a file of compliance years said and what was stored: all rows, or none if any failed."""

    file: ComplianceFile
    failures: tuple[Failure, ...]
    stored: bool
    added_count: int
    unchanged_count: int


def import_compliance_file(
    session: Session, actor: Actor, *, content: bytes, file_name: str, standing: Standing, preview: bool
) -> ComplianceImport:
    """Read a file of compliance years of the actor's bank; store all its rows, or none if any failed.

    Raises:
        InvalidInput: The file as a whole cannot be read.
    """
    file = read_compliance_file(content, file_name=file_name, known_from=china_day(standing.known_at))
    ids = {party.code: party.id for party in parties_of(session, actor)}
    failures = (*file.failures, *(_unknown_party(row) for row in file.rows if row.party_code not in ids))
    if failures or preview:
        return ComplianceImport(file=file, failures=failures, stored=False, added_count=0, unchanged_count=0)
    written = [
        record_compliance_position(session, actor, row.position_of(ids[row.party_code]), standing=standing)
        for row in file.rows
    ]
    return ComplianceImport(
        file=file, failures=(), stored=True, added_count=sum(written), unchanged_count=len(written) - sum(written)
    )


def _unknown_party(row: ComplianceRow) -> Failure:
    return Failure(
        item=f"line {row.line}",
        field="party_code",
        detail=f"no party has the code {row.party_code}",
        zh=f"第 {row.line} 行：没有代码为 {row.party_code} 的企业",
        remedy="Enter the enterprise first, or correct the code.",
        remedy_zh="请先登记该企业，或更正代码。",
    )
