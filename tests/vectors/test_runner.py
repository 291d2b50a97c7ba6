"""The runner itself: it passes, fails, skips and says why, on a folder of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.vectors.__main__ import main
from tests.vectors.comparison import Comparison, Outcome, Tolerance, run_case
from tests.vectors.files import read_vector_file

CASE = {
    "input": {"spot": 100.0, "rate_cc": 0.0, "carry_spread": 0.0, "convenience_yield": 0.0, "expiry": 1.0},
    "expected": {"futures": 100.0, "implied_net_convenience_yield": 0.0, "annualised_carry": 0.0},
}


def write(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_each_outcome_is_counted_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = CASE | {"expected": CASE["expected"] | {"futures": 101.0}}
    strange = CASE | {"smile": True}
    write(tmp_path, "deep/carry.json", {"cases": [CASE, wrong, strange]})
    write(tmp_path, "stranger.json", {"weather": "fine"})
    (tmp_path / "SOURCE.md").write_text("a description is no vector", encoding="utf-8")
    assert main([str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "deep/carry.json: cost of carry: 1 passed, 1 failed, 1 skipped (1 unknown key: smile)"
    assert "expected 101.0, found 100.0" in lines[1]
    assert lines[2] == "stranger.json: skipped: unknown key: weather"
    assert lines[-1] == "1 passed, 1 failed, 2 skipped"


def test_a_key_at_the_top_that_nobody_knows_is_never_passed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "carry.json", {"cases": [CASE], "smile": 1})
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "0 passed, 0 failed, 1 skipped"


def test_a_broken_file_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    write(tmp_path, "shape.json", {"cases": [CASE, {"input": 1}]})
    assert main([str(tmp_path)]) == 1
    assert "1 passed, 2 failed, 0 skipped" in capsys.readouterr().out


def test_no_folder_is_no_success(tmp_path: Path) -> None:
    assert main([str(tmp_path / "nowhere")]) == 2


def test_a_state_machine_with_an_edge_we_refuse_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "machines.json", {"encumbrance": {"states": ["FREE"], "edges": [["FREE", "enforce", "ENFORCED"]]}})
    assert main([str(tmp_path)]) == 1
    assert "does not allow enforce" in capsys.readouterr().out


def test_a_case_that_compares_nothing_is_skipped() -> None:
    tolerance = Tolerance(value=1e-9, is_absolute=False, source="test")
    assert run_case("empty", tolerance, lambda _: None).outcome is Outcome.SKIPPED
    assert run_case("nan", tolerance, lambda check: check.number("n", 1.0, float("nan"))).outcome is Outcome.FAILED


def test_tolerance_comes_from_file_then_readme_then_default(tmp_path: Path) -> None:
    plain = write(tmp_path, "plain/a.json", {"cases": []})
    assert read_vector_file(plain).tolerance.value == 1e-9
    described = write(tmp_path, "described/a.json", {"cases": []})
    readme = "| file | what | tolerance |\n| --- | --- | --- |\n| a.json | x 1e-3 | abs 1e-12 * y |\n"
    (tmp_path / "described" / "README.md").write_text(readme, encoding="utf-8")
    assert read_vector_file(described).tolerance == Tolerance(value=1e-12, is_absolute=True, source="README")
    stated = write(tmp_path, "described/b.json", {"cases": [], "tolerance": 1e-4})
    assert read_vector_file(stated).tolerance.source == "file"


def test_relative_tolerance_looks_at_the_expected_value() -> None:
    check = Comparison(Tolerance(value=1e-9, is_absolute=False, source="test"))
    check.number("close", 1e6, 1e6 + 5e-4)
    check.number("far", 1e-6, 1.1e-6)
    assert [line.split(":")[0] for line in check.differences] == ["far"]


def test_as_a_command(tmp_path: Path) -> None:
    write(tmp_path, "carry.json", {"cases": [CASE]})
    done = subprocess.run(
        [sys.executable, "-m", "tests.vectors", str(tmp_path)], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 passed, 0 failed, 0 skipped")
