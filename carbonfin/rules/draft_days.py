"""Whether the days of a drafted table can be proposed: in order, not known before today, and no other's."""

from collections.abc import Iterator, Sequence
from datetime import date

from carbonfin.kernel.errors import CarbonFinError, Conflict, InvalidInput
from carbonfin.rules.continuity import overlap_faults
from carbonfin.rules.tables import TableVersion


def day_faults(draft: TableVersion, own: Sequence[TableVersion], *, day: date) -> Iterator[CarbonFinError]:
    """Give what in its days forbids proposing a version of a table on a day.

    A version known from that very day is told apart from others by the instant of its approval.

    Args:
        draft: The version.
        own: The organisation's own versions of the same table.
        day: The day it would be proposed on.
    """
    yield from order_faults(draft, day=day)
    if draft.known_from == day:
        return
    alike = [one for one in own if one.known_from == draft.known_from and one.known_at is None]
    if any(one.valid_from == draft.valid_from for one in alike):
        yield Conflict(
            f"table {draft.table.name} has a version from {draft.valid_from} known from {draft.known_from}",
            zh=f"决策表 {draft.table.name} 在相同日期已有版本",
            field="known_from",
            remedy="Enter the correction with a later known_from.",
            remedy_zh="更正须使用更晚的知悉日期。",
        )
    name = draft.table.name
    others = [one for one in alike if one.valid_from != draft.valid_from]
    yield from overlap_faults(draft, others, name=f"table {name}", name_zh=f"决策表 {name} ")


def order_faults(draft: TableVersion, *, day: date) -> Iterator[InvalidInput]:
    """Give what in its days alone forbids proposing or approving a version on a day."""
    if draft.valid_to is not None and draft.valid_to < draft.valid_from:
        yield InvalidInput(
            f"valid_to {draft.valid_to} lies before valid_from {draft.valid_from}",
            zh="失效日早于生效日",
            field="valid_to",
            remedy="Let it end on or after its first day.",
            remedy_zh="失效日不得早于生效日",
        )
    if draft.known_from < day:
        yield InvalidInput(
            f"table {draft.table.name} would be known from {draft.known_from}, before its approval on {day}",
            zh=f"决策表不得早于复核日 {day} 启用",
            field="known_from",
            remedy="Propose it with a known_from on or after the day of its approval.",
            remedy_zh="请以不早于复核日的知悉日期重新发起。",
        )


def twin_fault(draft: TableVersion, first: str) -> InvalidInput:
    """Refuse the second of two tables of one file that are the same version.

    Args:
        draft: The version.
        first: Where the first one stands.
    """
    return InvalidInput(
        f"table {draft.table.name} from {draft.valid_from} known from {draft.known_from} stands in this file twice,"
        f" first at {first}",
        zh=f"与本文件 {first} 处决策表的名称、生效日、知悉日均相同",
        field="known_from",
        remedy="Leave one of the two out, or give it other days.",
        remedy_zh="请删去其一，或改用其他日期。",
    )
