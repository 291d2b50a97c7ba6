"""The stub of QuantLib says what the wheel has, and covers what the code uses; mypy catches a wrong argument by it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation

from tests.architecture import ROOT, SOURCES

STUB = ROOT / "typings/QuantLib/__init__.pyi"


def _stubbed() -> Iterator[tuple[str, ...]]:
    for node in ast.parse(STUB.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield (node.target.id,)
        if isinstance(node, ast.FunctionDef):
            yield (node.name,)
        if isinstance(node, ast.ClassDef):
            yield (node.name,)
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and not part.name.startswith("__"):
                    yield node.name, part.name
                if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                    yield node.name, part.target.id


STUBBED = sorted(set(_stubbed()))


@pytest.mark.parametrize("names", STUBBED, ids=".".join)
def test_every_stubbed_name_is_in_the_wheel(names: tuple[str, ...]) -> None:
    thing = ql
    for name in names:
        assert hasattr(thing, name)
        thing = getattr(thing, name)


def _used(text: str) -> set[str]:
    return {
        node.attr
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ql"
    }


def test_every_name_in_use_is_stubbed() -> None:
    texts = [source.text for source in SOURCES]
    texts += [
        path.read_text(encoding="utf-8")
        for path in [*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    ]
    used = set().union(*map(_used, texts))
    assert {"FlatForward", "SavedSettings"} <= used
    assert used - {names[0] for names in STUBBED} == set()


@pytest.mark.parametrize(
    ("line", "sound"),
    [
        ("ql.FlatForward(ql.Date(1, 1, 2025), 0.02, ql.Actual365Fixed()).discount(ql.Date(1, 1, 2026)) + 1.0", True),
        ("ql.FlatForward(date(2025, 1, 1), 0.02, ql.Actual365Fixed())", False),
        ("ql.Date(date(2025, 1, 1))", False),
        ("ql.Actual360().yearFraction(ql.Date(1, 1, 2025), date(2026, 1, 1))", False),
        ("ql.NoSuchCurve()", False),
    ],
)
def test_mypy_sees_a_wrong_argument(line: str, sound: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a column of a table
    (tmp_path / "sample.py").write_text(
        f"from datetime import date\nimport QuantLib as ql\nprint(date.min, {line})\n", encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(tmp_path / "cache"), "sample.py"],
        cwd=tmp_path, env={"MYPYPATH": str(ROOT / "typings"), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    assert (done.returncode == 0) is sound, done.stdout + done.stderr
