"""The ledger at rest does what its rules say: the guarded UPDATE against the pure rules, move by move."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import Conflict
from carbonfin.storage.engine import Sessions
from collateral import service
from collateral.calc import ledger as rules
from collateral.calc.ledger import Position
from collateral.store import ledger as store
from tests.collateral.desk import Desk

UNIT = Unit.parse("SZA-2023")
MOVES = {
    "receive": (rules.received, {"total_t": 1}),
    "deliver": (rules.delivered, {"total_t": -1}),
    "reserve": (rules.reserved, {"pending_t": 1}),
    "confirm": (rules.confirmed, {"pending_t": -1, "locked_t": 1}),
    "void": (rules.voided, {"pending_t": -1}),
    "release": (rules.released, {"locked_t": -1}),
}


@given(steps=st.lists(st.tuples(st.sampled_from(sorted(MOVES)), st.integers(1, 30_000)), min_size=1, max_size=25))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_guarded_update_agrees_with_the_rules(
    desk_sessions: Sessions, desk: Desk, steps: list[tuple[str, int]]
) -> None:
    with desk_sessions.begin() as session:
        account_id = store.account_of(session, desk.maker, party_id=desk.parties["E3"], scheme=Scheme.SZA)
        assert account_id is not None
        expected = _position(session, desk)
        for name, quantity_t in steps:
            rule, signs = MOVES[name]
            try:
                after = rule(expected, quantity_t)
            except Conflict:
                with pytest.raises(Conflict):
                    _move(session, desk, account_id, signs, quantity_t)
            else:
                _move(session, desk, account_id, signs, quantity_t)
                expected = after
            assert _position(session, desk) == expected


def _move(session: Session, desk: Desk, account_id: str, signs: dict[str, int], quantity_t: int) -> None:
    moves = {name: sign * quantity_t for name, sign in signs.items()}
    store.move_position(session, desk.maker, account_id=account_id, unit=UNIT, **moves)


def _position(session: Session, desk: Desk) -> Position:
    session.expire_all()
    (found,) = (one for one in service.holdings_of(session, desk.maker, desk.parties["E3"]) if one.unit == UNIT)
    return Position(unit=UNIT, total_t=found.total_t, pending_t=found.pending_t, locked_t=found.locked_t)


def test_holdings_below_what_is_bound_are_refused(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        account_id = store.account_of(session, desk.maker, party_id=desk.parties["E3"], scheme=Scheme.SZA)
        assert account_id is not None
        store.move_position(session, desk.maker, account_id=account_id, unit=UNIT, pending_t=40000)
    with desk_sessions.begin() as session, pytest.raises(Conflict, match="2000 t are free"):
        service.record_holding(
            session, desk.maker, desk.parties["E3"], UNIT, quantity_t=39999, standing=desk.standing, cause="登记簿"
        )
