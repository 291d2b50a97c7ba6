"""Two versions of a term sheet beside each other: each line that differs, and each payment that differs."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from loans.calc.contracts.schedule import RepaymentSchedule
from loans.calc.term_lines import TermLine, amount
from loans.calc.term_sheets import TermSheet

_Words = tuple[str, str]
_Key = tuple[str, str, int]
PAYMENTS = ("还款计划", "Repayment schedule")


@dataclass(frozen=True, slots=True, kw_only=True)
class TermChange:
    """A line that two versions say otherwise.

    Attributes:
        group: Head it stands under, in Chinese and English.
        label: What the line says, in both.
        before: Its value in the version compared with; None where that has no such line.
        after: Its value in the version at hand; None where it has none.
    """

    group: _Words
    label: _Words
    before: _Words | None
    after: _Words | None


def compare_term_sheets(before: TermSheet, after: TermSheet) -> tuple[TermChange, ...]:
    """Give what the later of two versions says otherwise, in the order it is printed; dropped lines close their group.

    Every line of every group is compared, and every payment by its number: day, interest, principal.
    """
    changes: list[TermChange] = []
    older, newer = _lines(before), _lines(after)
    titles = {group.name: (group.title_zh, group.title_en) for group in (*before.groups, *after.groups)}
    for name in dict.fromkeys(group.name for group in (*after.groups, *before.groups)):
        keys = dict.fromkeys(key for key in (*newer, *older) if key[0] == name)
        changes += [
            TermChange(group=titles[name], label=found[0], before=found[1], after=found[2])
            for found in (_sides(key, older, newer) for key in keys)
            if found[1] != found[2]
        ]
    return (*changes, *_payments(before.schedule, after.schedule))


def _lines(sheet: TermSheet) -> dict[_Key, TermLine]:
    """Give the lines by group, label and, where a label stands twice, which one it is."""
    seen: Counter[tuple[str, str]] = Counter()
    lines: dict[_Key, TermLine] = {}
    for group in sheet.groups:
        for line in group.lines:
            seen[group.name, line.label_zh] += 1
            lines[group.name, line.label_zh, seen[group.name, line.label_zh]] = line
    return lines


def _sides(
    key: _Key, older: dict[_Key, TermLine], newer: dict[_Key, TermLine]
) -> tuple[_Words, _Words | None, _Words | None]:
    before, after = older.get(key), newer.get(key)
    shown = after or before
    assert shown is not None, "a key comes from one of both"
    return (shown.label_zh, shown.label_en), _value(before), _value(after)


def _value(line: TermLine | None) -> _Words | None:
    return None if line is None else (line.value_zh, line.value_en)


def _payments(before: RepaymentSchedule | None, after: RepaymentSchedule | None) -> list[TermChange]:
    older, newer = _rows(before), _rows(after)
    return [
        TermChange(
            group=PAYMENTS, label=(f"第 {number} 期", f"payment {number}"), before=older.get(number),
            after=newer.get(number),
        )
        for number in sorted({*older, *newer})
        if older.get(number) != newer.get(number)
    ]  # fmt: skip


def _rows(schedule: RepaymentSchedule | None) -> dict[int, _Words]:
    rows = () if schedule is None else schedule.rows
    return {
        row.number: (
            f"{row.payment_date} 利息 {amount(row.interest_cny)}{_principal(row.principal_cny, '，本金 ')}",
            f"{row.payment_date}: interest {amount(row.interest_cny)}{_principal(row.principal_cny, ', principal ')}",
        )
        for row in rows
    }


def _principal(principal_cny: Decimal, words: str) -> str:
    return f"{words}{amount(principal_cny)}" if principal_cny else ""
