"""A pledged vintage becomes another while it stays locked: two people, the registry, journal, headroom and last dates.

P2: 60,000 t of SZA-2022 at 39.00 and 60,000 t of SZA-2023 at 40.00, haircut 0.50. With 25,000 t of SZA-2022 as SZA-2024
at 41.00: 35,000 x 19.50 + 60,000 x 20.00 + 25,000 x 20.50 = 682,500 + 1,200,000 + 512,500 = 2,395,000.00.
P1: 50,000 t of CEA-2023, of a round of which E1 may carry 10,000 + floor(7,001 x 1.5) = 20,501 t over.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict, InvalidInput, NotPermitted
from carbonfin.rules.parameters import ParameterBook
from carbonfin.storage.decisions import replay_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.files import check_file, store_file
from carbonfin.storage.files.rows import EvidenceFileRow
from carbonfin.storage.rulebook import enter_parameter
from collateral import service
from collateral.calc.agreements import UnitQuantity
from collateral.calc.serials import SerialRange
from collateral.registries.http import HttpRegistry
from collateral.registries.simulated import Fault, PlannedFault
from collateral.registries.simulator import SimulatorServer
from collateral.service import ChangeDraft, ChangeKind, PledgeChange, conversions, ledger
from collateral.service.carry_over import carried_units, carry_over_grant
from collateral.store import ledger as store
from tests.app.worlds import PAGE, form_token
from tests.collateral.changes import (
    approve,
    ask,
    called_desk,
    change,
    pledged,
    position,
    query,
    send,
    state,
    unconfirmed,
)
from tests.collateral.desk import CLOCK, Desk, build_desk
from tests.collateral.registries import adapter, simulated
from tests.collateral.test_carry_over_kept import DRAFT
from tests.collateral.test_edges import Edge, command_line, edge, run, signed_in
from tests.collateral.world import parameter

__all__ = ["command_line", "edge"]

GRANT = check_file("登记簿结转通知（示例）".encode(), name="结转通知.txt")


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    with simulated() as running:
        yield running


@pytest.fixture
def registry(server: SimulatorServer) -> Iterator[HttpRegistry]:
    with adapter(server) as one:
        yield one


def conversion(old: str, new: str, quantity_t: int, *, evidence: str = GRANT.digest) -> ChangeDraft:
    (freed,), (added,) = (
        (UnitQuantity(unit=Unit.parse(unit), quantity_t=quantity_t),) for unit in (old, new)
    )  # fmt: skip
    return ChangeDraft(
        kind=ChangeKind.CONVERSION, added=(added,), freed=(freed,), repayment_cny=Decimal("0.00"), reason="结转",
        evidence_digest=evidence,
    )  # fmt: skip


SZA = conversion("SZA-2022", "SZA-2024", 25_000)


def prepared(sessions: Sessions, desk: Desk) -> dict[str, str]:
    with sessions.begin() as session:
        store_file(session, desk.maker, GRANT, at=desk.standing.known_at)
        return called_desk(session, desk)


def locks(session: Session, desk: Desk, pledge_id: str) -> list[tuple[str, str, int, str]]:
    """What binds a pledge's units: agreement, unit, tonnes, state."""
    assert service.ledger_faults(session, desk.maker) == ()
    held = store.encumbrances_of(session, desk.maker, pledge_id=pledge_id, live_only=True)
    return sorted((one.agreement_code, str(one.unit), one.quantity_t, one.state) for one in held)


def headroom(session: Session, desk: Desk, party: str) -> list[int]:
    found = service.headroom_of(session, desk.maker, desk.parties[party], standing=desk.standing)
    return [one.headroom_t for one in found]


def test_part_of_a_lock_is_converted_and_then_the_rest_joins_it(
    sessions: Sessions, server: SimulatorServer, registry: HttpRegistry
) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
    p2 = prepared(sessions, desk)["P2"]
    with sessions.read() as session:
        before = headroom(session, desk, "E2")
    waits = ask(sessions, desk, p2, SZA)
    with sessions.begin() as session, pytest.raises(NotPermitted):
        service.approve_change(
            session, desk.maker, waits.id, standing=desk.standing, reason="同意", accepted_unconfirmed=()
        )
    asked = approve(sessions, desk, waits)
    assert state(sessions, desk, asked) == ("CONVERSION_REQUESTED", "DRAWN")
    assert pledged(sessions, desk, p2) == {"SZA-2022": 60000, "SZA-2023": 60000}, "nothing counts before the answer"
    assert position(sessions, desk, "E2", "SZA-2022") == (10000, 0, 60000)
    send(sessions, desk, registry)
    assert state(sessions, desk, asked) == ("DONE", "DRAWN")
    assert pledged(sessions, desk, p2) == {"SZA-2022": 35000, "SZA-2023": 60000, "SZA-2024": 25000}
    assert position(sessions, desk, "E2", "SZA-2022") == (10000, 0, 35000)
    assert position(sessions, desk, "E2", "SZA-2024") == (218000, 0, 25000)
    with sessions.read() as session:
        assert locks(session, desk, p2) == [
            ("P2", "SZA-2022", 35000, "LOCKED"), ("P2", "SZA-2023", 60000, "LOCKED"),
            ("P2", "SZA-2024", 25000, "LOCKED"),
        ]  # fmt: skip
        entry = service.ledger_entries(session, desk.maker, agreement_code="P2")[-1]
        assert (entry.kind, [(str(one.unit), str(one.bucket), one.quantity_t) for one in entry.postings]) == (
            "conversion",
            [
                ("SZA-2022", "locked", -25000), ("SZA-2022", "outside", 25000),
                ("SZA-2024", "locked", 25000), ("SZA-2024", "outside", -25000),
            ],
        )  # fmt: skip
        assert service.coverage_history(session, desk.maker, p2)[-1].collateral_value_cny == Decimal("2395000.00")
        assert headroom(session, desk, "E2") == before, "either vintage serves the surrender"
        assert replay_decision(session, service.DECISION_KINDS, asked.decision_id).same
        assert [one.event for one in service.timeline_of(session, desk.maker, p2)][-1] == "units_converted"
    frozen = {name.split("/")[1]: tonnes for name, tonnes in server.state.frozen_t().items()}
    assert frozen == {"SZA-2022": -25000, "SZA-2024": 25000}, "the simulator never saw the first freeze, but the swap"
    rest = approve(sessions, desk, ask(sessions, desk, p2, conversion("SZA-2022", "SZA-2024", 35_000)))
    send(sessions, desk, registry)
    assert state(sessions, desk, rest)[0] == "DONE"
    with sessions.read() as session:
        assert locks(session, desk, p2) == [
            ("P2", "SZA-2023", 60000, "LOCKED"), ("P2", "SZA-2024", 60000, "LOCKED"),
        ], "two locks of one agreement on one vintage are joined"  # fmt: skip


def test_silence_converts_nothing_and_a_query_tells(
    desk_sessions: Sessions, desk: Desk, server: SimulatorServer, registry: HttpRegistry
) -> None:
    p2 = prepared(desk_sessions, desk)["P2"]
    for fault, answer in ((Fault.LOSE_REPLY, "DONE"), (Fault.WRONG_QUANTITY, "CONVERSION_UNKNOWN")):
        server.state.plan(PlannedFault(agreement_code="P2", operation="convert", fault=fault, times=1))
        asked = approve(desk_sessions, desk, ask(desk_sessions, desk, p2, conversion("SZA-2022", "SZA-2024", 10_000)))
        send(desk_sessions, desk, registry)
        assert state(desk_sessions, desk, asked)[0] == "CONVERSION_UNKNOWN"
        query(desk_sessions, desk, registry)
        assert state(desk_sessions, desk, asked)[0] == answer
    assert pledged(desk_sessions, desk, p2)["SZA-2024"] == 10_000, "9,999 t confirmed are not the 10,000 t asked"


def test_what_is_set_aside_serves_nothing_else_until_a_refusal_is_withdrawn(
    desk_sessions: Sessions, desk: Desk, server: SimulatorServer, registry: HttpRegistry
) -> None:
    p2 = prepared(desk_sessions, desk)["P2"]
    server.state.plan(PlannedFault(agreement_code="P2", operation="convert", fault=Fault.REJECT, times=2))
    asked = approve(desk_sessions, desk, ask(desk_sessions, desk, p2, SZA))
    with pytest.raises(Conflict, match="two may not free units side by side"):
        ask(desk_sessions, desk, p2, change(ChangeKind.PART_RELEASE, freed={"SZA-2023": 1}))
    send(desk_sessions, desk, registry)
    assert state(desk_sessions, desk, asked) == ("CONVERSION_REFUSED", "DRAWN")
    with desk_sessions.begin() as session:
        again = service.ask_again(session, desk.maker, asked.id, standing=desk.standing, cause="补正")
        assert (again.state, again.attempt) == ("CONVERSION_REQUESTED", 2)
        assert len(locks(session, desk, p2)) == 3, "set aside once"
    sold = (UnitQuantity(unit=Unit.parse("SZA-2022"), quantity_t=35_001),)
    whole = {"pledge_id": p2, "kind": "sale", "standing": desk.standing, "cause": "成交"}
    with desk_sessions.begin() as session, pytest.raises(Conflict, match="35001 t are asked for, 35000 t are locked"):
        ledger.take(session, desk.maker, units=sold, **whole)  # type: ignore[arg-type]  # the names are those of take
    send(desk_sessions, desk, registry)
    with desk_sessions.begin() as session:
        gone = service.withdraw_change(session, desk.maker, asked.id, standing=desk.standing, reason="放弃")
        assert gone.state == "WITHDRAWN"
        ledger.take(session, desk.maker, units=sold, **whole)  # type: ignore[arg-type]  # as above
        assert locks(session, desk, p2)[0] == ("P2", "SZA-2022", 24_999, "LOCKED")


def test_a_round_is_converted_no_further_than_it_was_granted(
    desk_sessions: Sessions, desk: Desk, registry: HttpRegistry
) -> None:
    p1 = prepared(desk_sessions, desk)["P1"]
    cea = conversion("CEA-2023", "CEA-2025", 15_000)
    limits = (
        parameter("pricing.last_usable_date", "2027-12-31", scope="CEA-2025", unit="date"),
        parameter("pricing.last_usable_date", "2025-12-31", scope="CEA-2023", unit="date"),
    )
    with desk_sessions.begin() as session:
        for one in limits:
            enter_parameter(session, desk.maker, desk.checker, one, reason="样例", at=CLOCK.now())
    with pytest.raises(Conflict, match="15000 t are to be converted, 0 t were granted and 0 t used") as refused:
        ask(desk_sessions, desk, p1, cea)
    assert "carry-over-not-granted" in refused.value.context["refusals"]
    with desk_sessions.begin() as session:
        draft = replace(DRAFT, granted_t=20_501, granted_source="批准通知")
        service.record_carry_over(session, desk.maker, desk.parties["E1"], draft, standing=desk.standing)
    asked = approve(desk_sessions, desk, ask(desk_sessions, desk, p1, cea))
    send(desk_sessions, desk, registry)
    assert state(desk_sessions, desk, asked)[0] == "DONE"
    with pytest.raises(Conflict, match="5502 t are to be converted, 20501 t were granted and 15000 t used"):
        ask(desk_sessions, desk, p1, conversion("CEA-2023", "CEA-2025", 5_502))
    with desk_sessions.read() as session:
        view = service.desk_view(session, desk.standing)
        positions = store.positions_of(session, desk.maker, party_id=desk.parties["E1"])
        carried = carried_units(session, desk.maker, desk.parties["E1"], view, positions)
    assert sum(carried) == 5_501, "what was converted is not counted as carried over once more"


def test_what_was_asked_for_counts_until_it_is_settled(
    desk_sessions: Sessions, desk: Desk, server: SimulatorServer, registry: HttpRegistry
) -> None:
    """Of 20,501 t granted 15,000 are asked for: 5,501 are left while the registry is silent or refuses for now."""
    p1 = prepared(desk_sessions, desk)["P1"]
    limits = (
        parameter("pricing.last_usable_date", "2027-12-31", scope="CEA-2025", unit="date"),
        parameter("pricing.last_usable_date", "2025-12-31", scope="CEA-2023", unit="date"),
    )
    with desk_sessions.begin() as session:
        for one in limits:
            enter_parameter(session, desk.maker, desk.checker, one, reason="样例", at=CLOCK.now())
        draft = replace(DRAFT, granted_t=20_501, granted_source="批准通知")
        service.record_carry_over(session, desk.maker, desk.parties["E1"], draft, standing=desk.standing)

    def refused(quantity_t: int) -> list[str]:
        one = conversion("CEA-2023", "CEA-2025", quantity_t)
        with desk_sessions.read() as session:
            found = service.preview_change(session, desk.maker, p1, one, standing=desk.standing)
        assert not found.notes, "a limit is known"
        return [each.detail for each in found.refusals if each.code == "carry-over-not-granted"]

    server.state.plan(PlannedFault(agreement_code="P1", operation="convert", fault=Fault.REJECT, times=1))
    waits = ask(desk_sessions, desk, p1, conversion("CEA-2023", "CEA-2025", 15_000))
    assert refused(15_000) == [], "nobody has approved it"
    asked = approve(desk_sessions, desk, waits)
    assert state(desk_sessions, desk, asked)[0] == "CONVERSION_REQUESTED"
    (told,) = refused(5_502)
    assert "20501 t were granted and 0 t used, 15000 t asked for and not settled" in told
    assert refused(5_501) == []
    send(desk_sessions, desk, registry)
    assert state(desk_sessions, desk, asked)[0] == "CONVERSION_REFUSED"
    assert len(refused(5_502)) == 1, "it may be asked anew"
    with desk_sessions.begin() as session:
        service.withdraw_change(session, desk.maker, asked.id, standing=desk.standing, reason="放弃")
    assert refused(20_501) == []


def test_a_vintage_outside_the_round_is_granted_nothing_and_a_missing_rule_is_said(
    desk_sessions: Sessions, desk: Desk
) -> None:
    p2 = prepared(desk_sessions, desk)["P2"]
    first = parameter("collateral.carry_over_first_vintage", "2019", scope="EUA", unit="code")
    with desk_sessions.begin() as session:
        enter_parameter(session, desk.maker, desk.checker, first, reason="样例", at=CLOCK.now())
        draft = replace(DRAFT, granted_t=20_501, granted_source="批准通知")
        service.record_carry_over(session, desk.maker, desk.parties["E1"], draft, standing=desk.standing)
        view = service.desk_view(session, desk.standing)
        granted = {
            name: carry_over_grant(session, desk.maker, desk.parties["E1"], view, Unit.parse(name)).granted_t
            for name in ("CEA-2018", "CEA-2019", "CEA-2024", "CEA-2025", "EUA-2023", "SZA-2022")
        }
        found = service.preview_change(session, desk.maker, p2, SZA, standing=desk.standing)
    assert granted == {
        "CEA-2018": 0, "CEA-2019": 20_501, "CEA-2024": 20_501, "CEA-2025": 0, "EUA-2023": 0, "SZA-2022": None,
    }  # fmt: skip
    assert [one.zh for one in found.notes] == ["SZA 无结转规则在案，未与批准结转量核对"]


def test_the_round_is_asked_once_for_all_units_of_a_scheme(
    desk_sessions: Sessions, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(desk_sessions, desk)
    with desk_sessions.begin() as session:
        draft = replace(DRAFT, granted_t=20_501, granted_source="批准通知")
        service.record_carry_over(session, desk.maker, desk.parties["E1"], draft, standing=desk.standing)
    asked: list[str] = []
    find = ParameterBook.find

    def counted(book: ParameterBook, key: str, **given: Any) -> Any:
        asked.append(key)
        return find(book, key, **given)

    with desk_sessions.read() as session:
        view = service.desk_view(session, desk.standing)
        (one, *_) = store.positions_of(session, desk.maker, party_id=desk.parties["E1"])
        many = tuple(replace(one, unit=Unit.parse(f"CEA-{year}")) for year in range(2015, 2027))
        monkeypatch.setattr(ParameterBook, "find", counted)
        carried = carried_units(session, desk.maker, desk.parties["E1"], view, many)
    assert sum(carried) == 20_501
    assert len(asked) == 2, "first and last vintage"


def test_a_conversion_tried_by_command_keeps_no_evidence(
    command_line: Desk, sqlite_sessions: Sessions, tmp_path: Path
) -> None:
    file = tmp_path / "结转通知.txt"
    file.write_bytes("登记簿结转通知（示例）".encode())
    given = ("collateral", "convert-vintage", "P2", "SZA-2022=25000", "--to", "SZA-2024", "--evidence", str(file))

    def kept() -> int:
        with sqlite_sessions.read() as session:
            return len(session.exec(select(EvidenceFileRow)).all())

    assert (run(*given, "--reason", "结转"), kept()) == (0, 0)
    assert (run(*given, "--reason", "结转", "--yes"), kept()) == (0, 1)
    with sqlite_sessions.read() as session:
        p2 = service.pledge_by_code(session, command_line.maker, "P2")
        assert p2 is not None
        (asked,) = service.changes_of(session, command_line.maker, p2.id)
    assert asked.evidence_digest == GRANT.digest


@pytest.mark.parametrize(
    ("last", "code"), [("2025-06-29", "vintage-lapsed"), ("2025-12-31", "end-after-last-safe-date")]
)
def test_a_vintage_past_use_or_too_near_its_end_is_no_target(
    desk_sessions: Sessions, desk: Desk, last: str, code: str
) -> None:
    """P2 ends on 2025-12-12 or later: the last usable day itself leaves no time to cure, sell and unfreeze."""
    p2 = prepared(desk_sessions, desk)["P2"]
    ends = parameter("pricing.last_usable_date", last, scope="SZA-2024", unit="date")
    with desk_sessions.begin() as session:
        enter_parameter(session, desk.maker, desk.checker, ends, reason="样例", at=CLOCK.now())
    with pytest.raises(Conflict) as refused:
        ask(desk_sessions, desk, p2, SZA)
    assert code in refused.value.context["refusals"]


@pytest.mark.parametrize(
    ("old", "new", "evidence", "field"),
    [
        ("SZA-2022", "SZA-2021", GRANT.digest, "units"), ("SZA-2022", "CEA-2024", GRANT.digest, "units"),
        ("SZA-2022", "SZA-2022", GRANT.digest, "units"), ("CCER", "CCER", GRANT.digest, "units"),
        ("SZA-2022", "SZA-2024", "", "evidence_digest"),
    ],
)  # fmt: skip
def test_what_is_no_conversion_is_refused(old: str, new: str, evidence: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        conversion(old, new, 10, evidence=evidence)
    assert refused.value.field == field


def test_numbers_stay_with_units_that_are_converted(desk_sessions: Sessions, desk: Desk) -> None:
    """EU/DE:1-100 as EUA-2024: 11 to 40 become EUA-2025 with their numbers; the rest stays locked as it was."""
    p2 = prepared(desk_sessions, desk)["P2"]
    old, new = Unit.parse("EUA-2024"), Unit.parse("EUA-2025")
    holding = {"standing": desk.standing, "cause": "登记簿"}
    chosen = (SerialRange.parse("EU/DE:11-40"),)
    with desk_sessions.begin() as session:
        service.record_holding(
            session, desk.maker, desk.parties["E2"], old, quantity_t=100, serials=(SerialRange.parse("EU/DE:1-100"),),
            **holding,  # type: ignore[arg-type]  # the names are those of record_holding
        )  # fmt: skip
        sixty = (UnitQuantity(unit=old, quantity_t=60),)
        ledger.reserve(
            session, desk.maker, agreement_code="P2", pledge_id=p2, party_id=desk.parties["E2"], units=sixty, **holding  # type: ignore[arg-type]
        )  # fmt: skip
        ledger.confirm(session, desk.maker, pledge_id=p2, **holding)  # type: ignore[arg-type]  # as above
        pledge = service.load_pledge(session, desk.maker, p2)
        asked = PledgeChange(
            id="c1", pledge_id=p2, number=1, kind=ChangeKind.CONVERSION, state="CONVERSION_REQUESTED",
            added=(UnitQuantity(unit=new, quantity_t=30),), freed=(UnitQuantity(unit=old, quantity_t=30),),
            repayment_cny=Decimal(0), principal_before_cny=Decimal(0), reason="", decision_id="", attempt=1,
            started_on=desk.standing.business_date, maker_id="", maker_name="", freed_serials={old: chosen},
        )  # fmt: skip
        assert conversions.set_aside(session, desk.maker, pledge, asked) == chosen
        assert conversions.set_aside(session, desk.maker, pledge, asked) == chosen, "once"
        conversions.convert(session, desk.maker, pledge, asked, **holding)  # type: ignore[arg-type]  # as above
        numbered = service.locked_serials(session, desk.maker, pledge_id=p2)
        found = sorted((str(held.unit), "; ".join(map(str, ranges))) for held, ranges in numbered)
        assert found == [("EUA-2024", "EU/DE:1-10; EU/DE:41-60"), ("EUA-2025", "EU/DE:11-40")]
        held = {
            str(one.position.unit): "; ".join(map(str, one.held))
            for one in service.numbered_holdings_of(session, desk.maker, desk.parties["E2"])
            if one.held
        }
        assert held == {"EUA-2024": "EU/DE:1-10; EU/DE:41-100", "EUA-2025": "EU/DE:11-40"}
        assert service.ledger_faults(session, desk.maker) == ()


def test_the_officer_converts_on_the_page_and_is_told_what_lacks(edge: Edge) -> None:
    p2 = prepared(edge.sessions, edge.desk)["P2"]
    address = f"/pledges/{p2}/changes/new"
    with signed_in(edge) as client:
        form = {
            "action": "ask", "kind": "conversion", "unit_1": "SZA-2024", "quantity_1": "25000", "freed_1": "SZA-2022",
            "freed_quantity_1": "25000", "reason": "结转", "_csrf_token": form_token(client.get(address, headers=PAGE).text),
        }  # fmt: skip
        wrong = client.post(address, data=form, headers=PAGE)
        assert (wrong.status_code, "年度转换须附批准结转的文件" in wrong.text) == (422, True)
        done = client.post(address, data=form | {"evidence": GRANT.digest}, headers=PAGE, follow_redirects=False)
        assert done.status_code == 303
        shown = client.get(done.headers["location"], headers=PAGE).text
        assert "转换配额年度" in shown
        assert f"/files/{GRANT.digest}" in shown
    with edge.sessions.read() as session:
        (asked,) = service.changes_of(session, edge.desk.maker, p2)
        waiting = service.waiting_change_approval(session, edge.desk.checker, asked.id)
        assert waiting is not None
        assert waiting.payload["evidence_digest"] == GRANT.digest
        assert unconfirmed(session, edge.desk, asked)
