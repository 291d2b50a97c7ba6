"""Every third-party case beside the project is met, or skipped with its reason: none fails."""

from pathlib import Path

import pytest

from tests.vectors.running import run_folder

VECTORS = Path(__file__).parents[3] / "shared" / "vectors"
_FOLDERS = (
    "actus", "basel-haircuts", "cdm-collateral", "cdm-emissions-trades", "collateral", "dmn-tck", "gorules-zen", "loans",
    "mortgage-schedules", "pricing", "quantlib-vectors",
)  # fmt: skip


@pytest.mark.parametrize("folder", _FOLDERS)
def test_no_case_of_the_folder_fails(folder: str) -> None:
    if not (VECTORS / folder).is_dir():
        pytest.skip(f"vectors absent: {VECTORS / folder}")
    lines: list[str] = []
    failed_count = run_folder(VECTORS / folder, write=lines.append)
    assert failed_count == 0, [line for line in lines if "FAILED" in line]
    assert " passed, 0 failed" in lines[-1]
    assert not lines[-1].startswith("0 passed")
