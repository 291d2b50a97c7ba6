"""Notices of the rate: the letters, the page, the API and the form of the contract."""

from datetime import date

import pytest
from sqlmodel import Session

from carbonfin.kernel.dates import FixedClock, end_of_china_day
from carbonfin.kernel.errors import NotFound
from carbonfin.storage.engine import Sessions
from loans import service
from tests.documents.test_pdf import text_of
from tests.loans.conftest import Desk
from tests.loans.facility_samples import CONTRACT, LINE, approved, contract_of, drawdown_of, line_of, put_in_force
from tests.loans.servicing.rate_worlds import NOTE, RESETS, STOPS, RateWorld, rate_world
from tests.loans.servicing.test_rate_resets import publish


def moved_world(session: Session) -> RateWorld:
    """Stopped on 21 August, reset on 30 September."""
    world = rate_world(session, **STOPS, **RESETS)
    world.roll(date(2025, 8, 21))
    world.stop()
    world.roll(date(2025, 9, 30))
    publish(world, ("2025-09-22", "2.80"))
    world.reset()
    return world


def test_letters_say_what_was_decided_and_stay_the_same(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = moved_world(session)
        officer = world.bank.officer
        reset = service.rate_letter_pdf(session, officer, NOTE, "reset-1")
        stop = service.rate_letter_pdf(session, officer, NOTE, "concession-1")
        shown = ("利率重定价通知书", "2025-09-22", "2.8000%", "+40", "3.4000%", "3.2000%", "未经核对")
        assert [one for one in shown if one not in text_of(reset)] == []
        shown = ("利率优惠停止通知书", "2025-07-21", "逾期超过 30 天", "3.2900%", "3.4000%", "947.22", "尚未恢复")
        assert [one for one in shown if one not in text_of(stop)] == []
        world.roll(date(2025, 10, 15))
        world.pay(str(world.view().line.standing.due_cny))
        world.stop()
        assert service.rate_letter_pdf(session, officer, NOTE, "reset-1") == reset
        assert service.rate_letter_pdf(session, officer, NOTE, "concession-1") == stop
        back = text_of(service.rate_letter_pdf(session, officer, NOTE, "concession-2"))
        assert [one for one in ("利率优惠恢复通知书", "2025-10-15", "3.0900%") if one not in back] == []
        for unknown in ("reset-2", "concession-x", "payment-1", "reset"):
            with pytest.raises(NotFound):
                service.rate_letter_pdf(session, officer, NOTE, unknown)


def test_page_and_api_show_what_the_contract_says_and_what_became_of_the_rate(desk: Desk) -> None:
    with desk.sessions.begin() as session:
        world = RateWorld(session=session, bank=desk.bank)
        officer, checker = desk.bank.officer, desk.bank.checker
        terms = contract_of(**STOPS, **RESETS)
        put_in_force(session, officer, checker, world.standing, line_of(desk.bank.clothing.id), terms)
        waiting = service.propose_drawdown(session, officer, drawdown_of(), standing=world.standing, reason="提款")
        approved(session, checker, waiting, at=end_of_china_day(world.today))
        world.roll(date(2025, 8, 21))
        service.stop_concessions(session, officer, world.today, FixedClock(end_of_china_day(world.today)))
    told = desk.system.get(f"/v1/loan-notes/{NOTE}").json()
    assert told["rate_clauses"]["concession_zh"] == "逾期超过 30 天，优惠自应还日起停止；自清偿逾期款项之日起恢复"
    assert [(one["cause"], one["link_number"]) for one in told["rate_changes"]] == [("concession stopped", "")]
    (turn,) = told["concession_turns"]
    assert (turn["rate_before"], turn["rate_after"], turn["compensation_cny"]) == ("0.0329", "0.034", "947.22")
    assert turn["stops"] == [{"start": "2025-07-21", "end": None, "due_on": "2025-07-21"}]
    page = desk.get(f"/loan-notes/{NOTE}").text
    shown = ("停止中（自 2025-07-21 起）", "逾期停止利率优惠", "利率优惠停止通知书 PDF", "947.22", turn["decision_id"])
    assert [one for one in shown if one not in page] == []
    letter = f"/loan-notes/{NOTE}/rate-notices/concession-1/letter.pdf"
    assert desk.get(letter).content == desk.system.get(f"/v1{letter}").content
    assert desk.system.get(f"/v1/loan-notes/{NOTE}/rate-notices/reset-1/letter.pdf").status_code == 404
    trace = desk.get(f"/decisions/{turn['decision_id']}").text
    assert "2025-07-21 应还款项逾期天数" in trace
    contract = desk.get("/loan-contracts/HT-2025-001").text
    assert "每 3 个月，提款日的对应日重定价" in contract


def test_the_form_of_a_contract_takes_the_clauses_and_an_approval_shows_them(desk: Desk) -> None:
    with desk.sessions.begin() as session:
        world = RateWorld(session=session, bank=desk.bank)
        put_in_force(session, desk.bank.officer, desk.bank.checker, world.standing, line_of(desk.bank.clothing.id))
    form = {key: str(value) for key, value in CONTRACT.items() if key != "line_number"}
    address = f"/credit-lines/{LINE['number']}/contracts/new"
    part = desk.post(address, form | {"concession_stop_days": "30"})
    assert (part.status_code, "逾期停止优惠条款须填写完整" in part.text) == (422, True)
    whole = {**form, **{key: str(value) for key, value in (STOPS | RESETS).items()}}
    assert desk.post(address, whole).status_code == 303
    approvals = desk.system.get("/v1/approvals").json()["approvals"]
    waiting = next(one for one in approvals if one["kind"] == "loans.contract")
    page = desk.get(f"/approvals/{waiting['approval_id']}").text
    shown = ("逾期超过几日停止优惠", "自应还日起停止", "自清偿逾期款项之日起恢复", "提款日的对应日")
    assert [one for one in shown if one not in page] == []
