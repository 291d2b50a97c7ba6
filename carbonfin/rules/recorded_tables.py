"""A table as a decision's inputs carry it, so that the decision replays from its own record after any correction."""

import hashlib
from dataclasses import dataclass
from datetime import date

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.compile_python import CompiledTable
from carbonfin.rules.compiled_tables import compiled_text
from carbonfin.rules.plain_tables import table_from_text
from carbonfin.rules.tables import TableVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTable:
    """One version of a table, whole.

    Attributes:
        content: The table's canonical JSON, the very text that was approved.
        digest: SHA-256 of that text.
        valid_to: Last day, inclusive, or None while open.
        approved_by: Maker and checker.
    """

    name: str
    content: str
    digest: str
    valid_from: date
    valid_to: date | None
    known_from: date
    approved_by: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a text that is not the one the digest is of."""
        if hashlib.sha256(self.content.encode()).hexdigest() != self.digest:
            raise InvalidInput(
                f"the text of table {self.name} does not fit its digest {self.digest}",
                zh=f"决策表 {self.name} 的内容与摘要不符",
                field="table",
            )

    @classmethod
    def of(cls, version: TableVersion) -> "RecordedTable":
        """Carry a version of the rulebook."""
        return cls(
            name=version.table.name,
            content=version.table.content,
            digest=version.table.digest,
            valid_from=version.valid_from,
            valid_to=version.valid_to,
            known_from=version.known_from,
            approved_by=version.approved_by,
        )

    def speaks_on(self, valid_on: date) -> bool:
        """Whether the version is valid on that day; both ends are inside."""
        return self.valid_from <= valid_on and (self.valid_to is None or valid_on <= self.valid_to)

    @property
    def compiled(self) -> CompiledTable:
        """The table as a function, kept by the digest its text was held against."""
        return compiled_text(self.digest, lambda: table_from_text(self.content))
