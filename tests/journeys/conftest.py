"""One sample world a session."""

import pytest

from tests.journeys.worlds import SampleCopy, make_sample


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleCopy:
    """The sample world on SQLite; tests that change it take a copy."""
    return make_sample(tmp_path_factory.mktemp("sample"))
