"""The chain's benchmark measures decisions without their seal, and fails where it would measure them with it."""

import pytest

from benchmarks import chain
from carbonfin.storage.decisions import verify_chain
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import organizations


def test_decisions_without_the_chain_have_no_seal(sessions: Sessions) -> None:
    measured = chain._on("here", sessions, 1)
    measured.comparator.run()
    measured.subject.run()
    with sessions.read() as session:
        unsealed = {bank.name: len(verify_chain(session, bank.id).unsealed) for bank in organizations(session)}
    assert (unsealed["plain"], unsealed["chained"]) == (chain.WRITERS, 0)


def test_a_seal_that_is_kept_elsewhere_stops_the_measurement(
    sqlite_sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "_SEALING", ("elsewhere",))
    with pytest.raises(AssertionError, match="no step that seals was taken away"):
        chain._on("here", sqlite_sessions, 1).comparator.run()
