"""Every third-party case beside the project is met, or skipped with its reason: none fails."""

from pathlib import Path

import pytest

from tests.vectors.running import run_folder

VECTORS = Path(__file__).parents[3] / "shared" / "vectors"
_FOLDERS = sorted(one.name for one in VECTORS.iterdir() if one.is_dir()) if VECTORS.is_dir() else ["-"]


@pytest.mark.parametrize("folder", _FOLDERS)
def test_no_case_of_the_folder_fails(folder: str) -> None:
    if not (VECTORS / folder).is_dir():
        pytest.skip(f"vectors absent: {VECTORS / folder}")
    lines: list[str] = []
    failed_count = run_folder(VECTORS / folder, write=lines.append)
    assert failed_count == 0, [line for line in lines if "FAILED" in line]
    assert " passed, 0 failed" in lines[-1]
    assert not lines[-1].startswith("0 passed")
