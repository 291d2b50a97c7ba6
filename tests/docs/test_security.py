"""The table of security requirements names each requirement once, with a test that exists or a reason."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs/security/asvs.md"
_ROW = re.compile(
    r"^\| (?P<number>V[0-9.]+) \| (?P<level>[0-9]) \| (?P<words>[^|]+) \| (?P<shown>[^|]*) \|$", re.MULTILINE
)
_TEST = re.compile(r"`(tests/[^`:]+)::([^`]+)`")
_REASONS = (
    "documented: ", "by design: ", "not applicable: ", "the proxy does it: ", "the operator does it: ", "open: ",
)  # fmt: skip
# ASVS 5.0.0 has 70 requirements of level 1 and 183 of level 2.
_COUNTS = {"1": 70, "2": 183}


@cache
def names_in(path: str) -> frozenset[str]:
    """Give the names of a file's tests; none where there is no such file."""
    file = ROOT / path
    tree = ast.parse(file.read_text(encoding="utf-8")) if file.is_file() else ast.Module(body=[], type_ignores=[])
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


def faults(text: str) -> Iterator[str]:
    """Name what is wrong with the table."""
    rows = list(_ROW.finditer(text))
    for number, count in Counter(row["number"] for row in rows).items():
        if count > 1:
            yield f"{number} stands {count} times"
    for row in rows:
        number, shown = row["number"], row["shown"].strip()
        named = _TEST.findall(shown)
        yield from (f"{number}: no test {path}::{name}" for path, name in named if name not in names_in(path))
        reason = next((start for start in _REASONS if shown.startswith(start)), None)
        if reason is None and not named:
            yield f"{number}: neither a test nor a reason"
        if reason is not None and not shown.removeprefix(reason).strip():
            yield f"{number}: a reason that says nothing"
        if reason == "documented: ":
            yield from (
                f"{number}: no page {path}"
                for path in re.findall(r"docs/[\w./-]+\.md", shown)
                if not (ROOT / path).is_file()
            )
    lines = [line for line in text.splitlines() if re.match(r"\| V[0-9]", line)]
    if len(lines) != len(rows):
        yield f"{len(lines) - len(rows)} lines do not read as a requirement"
    for level, count in _COUNTS.items():
        found = sum(row["level"] == level for row in rows)
        if found != count:
            yield f"level {level}: {found} requirements, not {count}"


def test_every_requirement_has_a_test_that_exists_or_a_reason() -> None:
    assert list(faults(TABLE.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("::test_signing_in_again_ends_the_session_before`", "::test_of_nothing`", "V7.2.2: no test"),
        ("tests/app/test_logs.py::", "tests/app/test_no_logs.py::", "V14.2.1: no test"),
        ("| V7.4.2 |", "| V7.4.1 |", "V7.4.1 stands 2 times"),
        ("not applicable: no LDAP; directories are reached by OpenID Connect alone", "", "V1.2.6: neither"),
        ("not applicable: no XPath is built from input", "not applicable: ", "V1.2.7: neither"),
        ("docs/problems.md", "docs/no-problems.md", "V2.1.2: no page"),
        ("| V9.1.1 | 1 |", "| V9.1.1 | 2 |", "level 1: 69"),
        ("| V9.1.1 | 1 |", "| V9.1.1 |", "1 lines do not read"),
    ],
)  # fmt: skip
def test_a_planted_fault_is_seen(old: str, new: str, says: str) -> None:
    text = TABLE.read_text(encoding="utf-8")
    assert old in text
    assert any(fault.startswith(says) for fault in faults(text.replace(old, new)))
