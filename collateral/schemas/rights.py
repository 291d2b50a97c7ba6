"""Who may hold what as the API shows it."""

from msgspec import Struct

from collateral.calc.holding_rights import HOLDER_NAMES_ZH, RIGHT_NAMES_ZH
from collateral.service.rights import RightsRow


class RightOut(Struct, frozen=True, kw_only=True):
    """The answer to one right: allowed, barred, or null where the table does not say, which refuses.

    `always_barred` stands for bodies that never hold or trade, whatever a row says.
    """

    scheme: str
    holder_kind: str
    holder_kind_zh: str
    right: str
    right_zh: str
    answer: str | None
    always_barred: bool
    valid_from: str | None
    known_from: str | None
    document: str
    article: str
    grade: str | None
    confirmed: bool

    @classmethod
    def all_of(cls, row: RightsRow) -> "list[RightOut]":
        """Show each right of a row."""
        return [
            cls(
                scheme=row.scheme.value,
                holder_kind=row.kind.value,
                holder_kind_zh=HOLDER_NAMES_ZH[row.kind],
                right=right.value,
                right_zh=RIGHT_NAMES_ZH[right],
                answer="barred" if row.is_always_barred else None if value is None else value.value,
                always_barred=row.is_always_barred,
                valid_from=None if value is None else value.valid_from.isoformat(),
                known_from=None if value is None else value.known_from.isoformat(),
                document="" if value is None else value.document,
                article="" if value is None else value.article,
                grade=None if value is None else value.grade.value,
                confirmed=value is not None and value.confirmed,
            )
            for right, value in row.answers
        ]


class RightsOut(Struct, frozen=True, kw_only=True):
    """The table by both dates."""

    valid_on: str
    known_on: str
    rights: list[RightOut]
