"""The page of data by grade names tables that exist, once, and misses none that is shared, personal or secret."""

import re
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from carbonfin.app.tables import all_tables

PAGE = Path(__file__).resolve().parents[2] / "docs/security/data-grades.md"
GRADES = ("public", "internal", "confidential", "personal", "secret")
_ROW = re.compile(r"^\| `(?P<table>\w+)` \| (?P<grade>\w+) \| (?P<why>[^|]+) \|$", re.MULTILINE)
_TELLING = frozenset({"password_hash", "login", "email", "person_id", "maker_id", "checker_id", "device", "subject_id"})
_OPENS_DOORS = frozenset({"api_key", "web_session", "webhook"})


def faults(text: str, tables: sa.MetaData) -> list[str]:
    """Name what is wrong with the page."""
    rows = {row["table"]: row["grade"] for row in _ROW.finditer(text)}
    times = Counter(row["table"] for row in _ROW.finditer(text))
    found = [f"{table} stands {count} times" for table, count in times.items() if count > 1]
    found += [f"there is no table {table}" for table in rows if table not in tables.tables]
    found += [f"{table}: {grade} is no grade" for table, grade in rows.items() if grade not in GRADES]
    # A suite's own trial tables share the metadata and are nobody's data.
    for table in (one for one in tables.tables.values() if not one.name.startswith("trial")):
        names = {column.name for column in table.columns}
        grade = rows.get(table.name)
        if "organization_id" not in names and grade is None:
            found.append(f"{table.name} belongs to no organisation and has no grade")
        if "password_hash" in names and grade not in {"personal", "secret"}:
            found.append(f"{table.name} holds what is personal and is graded {grade}")
        if table.name in _OPENS_DOORS and grade != "secret":
            found.append(f"{table.name} opens doors and is graded {grade}")
        if names & _TELLING and grade in {"public", "internal"}:
            found.append(f"{table.name} names people and is graded {grade}")
    return found


def test_every_table_has_the_grade_it_needs() -> None:
    assert faults(PAGE.read_text(encoding="utf-8"), all_tables()) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("| `fx_rate` | public |", "| `fx_rates` | public |", "fx_rate belongs to no organisation and has no grade"),
        ("| `user_account` | personal |", "| `user_account` | internal |", "user_account names people"),
        ("| `api_key` | secret |", "| `api_key` | confidential |", "api_key opens doors"),
        ("| `rate` |", "| `holiday` |", "holiday stands 2 times"),
        ("| `party` | confidential |", "| `party` | harmless |", "harmless is no grade"),
    ],
)
def test_a_wrong_grade_is_found(old: str, new: str, says: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert old in text
    assert any(fault.startswith(says) or says in fault for fault in faults(text.replace(old, new), all_tables()))
