"""What stands in a rulebook at rest and is not what two people approved."""

from dataclasses import dataclass
from datetime import date

from carbonfin.kernel.errors import Conflict


@dataclass(frozen=True, slots=True, kw_only=True)
class RulebookFault:
    """A value or table of the rulebook that is not the one two people approved."""

    row_id: str
    name: str
    valid_from: date
    known_from: date
    zh: str
    en: str


def edited_at_rest(what_en: str, what_zh: str, *, valid_from: date, field: str) -> Conflict:
    """Give the refusal of what the database's guards did not protect."""
    return Conflict(
        f"{what_en} from {valid_from} is not the one that was approved: it was edited at rest",
        zh=f"{what_zh}（{valid_from} 起）与复核时不一致，可能被直接改动",
        field=field,
        remedy="Run `carbonfin rules verify`, and bring what was approved back from a backup.",
        remedy_zh="请运行 carbonfin rules verify 核对，并从备份恢复经复核的内容。",
    )
