"""Verifying a document as a stranger over PostgreSQL: row security stands behind the page's own conditions."""

from collections.abc import Iterator

import pytest
from litestar.testing import TestClient

from carbonfin.app.factory import create_app
from carbonfin.storage.engine import Sessions, open_engine
from loans import service
from loans.calc.issued_documents import DocumentClaim
from tests.app.worlds import PAGE
from tests.isolation.conftest import KeptApart
from tests.journeys.worlds import CLOCK

FOUND, NOTHING = "出具机构登记有这一编号", "没有查到与这四项全部相符的文件"
BANK_CODE = "91440300EXAMPLEA59"

pytestmark = pytest.mark.postgres


@pytest.fixture
def sessions(kept_apart: KeptApart) -> Iterator[Sessions]:
    engine = open_engine(kept_apart.addresses.application)
    yield Sessions(engine)
    engine.dispose()


def _claim(kept_apart: KeptApart, place: int) -> DocumentClaim:
    entry = kept_apart.world.outcomes[place].term_sheet.entry
    return DocumentClaim(number=entry.number, version=entry.version, digest=entry.digest)


def test_a_stranger_finds_a_bank_s_document_under_its_own_code_alone(kept_apart: KeptApart, sessions: Sessions) -> None:
    """The second bank has no code, so nothing of it is found, not even under the first one's."""
    app = create_app(kept_apart.world.settings, sessions, CLOCK)
    with TestClient(app, raise_server_exceptions=False) as client:
        for place, words in ((0, FOUND), (1, NOTHING)):
            claim = _claim(kept_apart, place)
            answer = client.get(
                "/verify",
                params={"issuer": BANK_CODE, "number": claim.number, "version": claim.version, "digest": claim.digest},
                headers=PAGE,
            )
            assert answer.status_code == 200
            assert words in answer.text, place


def test_with_the_condition_on_another_bank_the_rows_stay_away(kept_apart: KeptApart, sessions: Sessions) -> None:
    """Asked for the first bank's document in the second one's scope, and at the door, PostgreSQL shows none."""
    first, second = kept_apart.world.first.organization_id, kept_apart.world.second.organization_id
    claim = _claim(kept_apart, 0)
    found = {}
    for name, scoped in (
        ("own", sessions.within(first)), ("other", sessions.within(second)), ("door", sessions.at_the_door()),
        ("none", sessions),
    ):  # fmt: skip
        with scoped.read() as session:
            found[name] = service.issued_document(session, first, claim, standing=None) is not None
    assert found == {"own": True, "other": False, "door": False, "none": False}
