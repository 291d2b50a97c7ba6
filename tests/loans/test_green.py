"""Green recognition of a loan note: under four eyes, by the catalogue of its time, on evidence; else 未认定 everywhere."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from sqlmodel import Session

from carbonfin.app.approvals.kinds import APPROVAL_KINDS
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import Conflict, InvalidInput, NotPermitted
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer
from carbonfin.storage.engine import Sessions
from carbonfin.storage.files import store_file
from carbonfin.storage.rulebook import enter_parameter
from loans import service
from loans.calc.green import CATALOGUE, GreenEvent, GreenStatement, category_on, green_words, require_statable
from loans.calc.notes import NoteState
from loans.calc.term_sheets import draft_term_sheet
from reporting.service import disclosure_view
from tests.documents.test_pdf import text_of
from tests.loans.conftest import Desk
from tests.loans.facility_samples import approved, contract_of, drawdown_of, line_of, put_in_force
from tests.loans.green_samples import RECOGNITION, category
from tests.loans.link_worlds import REPORT_FILE, LinkWorld
from tests.loans.samples import BOOK, l1_term_sheet
from tests.loans.servicing.rate_worlds import NOTE, RateWorld, rate_world
from tests.loans.test_edges import TERM_SHEET, key
from tests.loans.world import KNOWN_AT

STATEMENT = GreenStatement(
    note_code=NOTE, event=GreenEvent.RECOGNISE, category="9.1", basis="屋顶光伏", evidence=(REPORT_FILE.digest,),
    valid_from=date(2025, 6, 30),
)  # fmt: skip
WITHDRAWAL = replace(STATEMENT, event=GreenEvent.WITHDRAW, category="", basis="用途改变", evidence=())


def catalogue_and_file(session: Session, officer: Actor, checker: Actor, *, confirmed: bool = True) -> None:
    enter_parameter(session, officer, checker, category(confirmed=confirmed), reason="录入目录", at=KNOWN_AT)
    store_file(session, officer, REPORT_FILE, at=KNOWN_AT)


def state(world: RateWorld, statement: GreenStatement) -> None:
    waiting = service.propose_green_recognition(
        world.session, world.bank.officer, statement, standing=world.standing, reason="认定"
    )
    approved(world.session, world.bank.checker, waiting, at=world.standing.known_at)


def test_the_built_in_catalogue_is_the_2025_edition_from_its_day_on_and_unconfirmed() -> None:
    known: dict[str, Any] = {"known_at": datetime.fromisoformat("2026-01-01T00:00:00+00:00")}
    scopes = BOOK.scopes(CATALOGUE)
    assert scopes == [str(number) for number in range(1, 10)]
    found = [BOOK.on(CATALOGUE, scope=scope, valid_on=date(2025, 10, 1), **known) for scope in scopes]
    assert {(one.document, one.confirmed) for one in found} == {("绿色金融支持项目目录（2025年版）", False)}
    assert (found[0].value, found[-1].value) == ("节能降碳产业", "绿色消费")
    assert BOOK.find(CATALOGUE, scope="1", valid_on=date(2025, 9, 30), **known) is None


def test_recognised_by_two_people_withdrawn_later_and_never_erased(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = rate_world(session)
        bank = world.bank
        catalogue_and_file(session, bank.officer, bank.checker)
        assert world.view().line.green is None
        waiting = service.propose_green_recognition(
            session, bank.officer, STATEMENT, standing=world.standing, reason="认定"
        )
        assert world.view().line.green is None, "not before another person approved it"
        with pytest.raises(NotPermitted):
            approvals.approve(
                session, bank.officer, waiting.id, kinds=APPROVAL_KINDS, answer=Answer(reason="同意"),
                at=world.standing.known_at, business_date=world.today,
            )  # fmt: skip
        approved(session, bank.checker, waiting, at=world.standing.known_at)
        held = world.view().line.green
        assert held is not None
        assert (held.code, held.title, held.edition, held.edition_from) == (
            "9.1", "光伏(示例)", "绿色目录(示例 2024)", date(2024, 1, 1),
        )  # fmt: skip
        first = world.view().green[0]
        assert first.maker_name != first.checker_name
        world.roll(date(2025, 7, 10))
        state(world, replace(WITHDRAWAL, valid_from=date(2025, 7, 10)))
        assert world.view().line.green is None
        revisions = world.view().green
        assert [one.statement.event for one in revisions] == [GreenEvent.RECOGNISE, GreenEvent.WITHDRAW]
        assert category_on(revisions, date(2025, 7, 9)) == held, "what stood before stands in the record"
        as_known = service.green_recognitions_of(
            session, bank.officer, NOTE, known_at=end_of_china_day(date(2025, 7, 9))
        )
        assert len(as_known) == 1


def test_what_no_note_can_be_is_refused(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = rate_world(session)
        bank = world.bank
        catalogue_and_file(session, bank.officer, bank.checker)
        note = world.view().line.note
    before: dict[str, Any] = {"on": date(2025, 7, 1)}
    for day in (date(2025, 6, 29), date(2025, 7, 2)):
        with pytest.raises(InvalidInput) as refused:
            require_statable(replace(STATEMENT, valid_from=day), note, (), **before)
        assert refused.value.field == "valid_from"
    with pytest.raises(Conflict, match="not recognised"):
        require_statable(WITHDRAWAL, note, (), **before)
    settled = replace(note, state=NoteState.SETTLED, settled_date=date(2025, 6, 30))
    with pytest.raises(Conflict, match="settled"):
        require_statable(STATEMENT, settled, (), **before)
    for changes, field in (
        ({"evidence": ()}, "evidence"), ({"category": ""}, "category"), ({"basis": " "}, "basis"),
        ({"evidence": ("a" * 64, "a" * 64)}, "evidence"), ({"event": GreenEvent.WITHDRAW}, "category"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput) as wrong:
            replace(STATEMENT, **changes)  # type: ignore[arg-type]  # values of named fields
        assert wrong.value.field == field


@pytest.mark.parametrize("confirmed", [False, True])
def test_the_disclosure_counts_a_recognition_only_by_a_confirmed_catalogue(
    sqlite_sessions: Sessions, *, confirmed: bool
) -> None:
    with sqlite_sessions.begin() as session:
        world = rate_world(session)
        catalogue_and_file(session, world.bank.officer, world.bank.checker, confirmed=confirmed)
        assert disclosure_view(session, world.bank.officer, standing=world.standing).found.green.balance_cny == 0
        state(world, STATEMENT)
        found = disclosure_view(session, world.bank.officer, standing=world.standing).found
        assert found.green.balance_cny == (10_000_000 if confirmed else 0)
        assert [group.name for group in found.catalogue] == (["9.1"] if confirmed else [""])
        held = world.view().line.green
        assert ("目录原文未确认" in green_words(held)[0]) is not confirmed


def test_a_term_sheet_says_that_a_draft_is_not_recognised() -> None:
    sheet = draft_term_sheet(replace(l1_term_sheet(), says_green_standing=True))
    group = next(one for one in sheet.groups if one.name == "green")
    assert (group.lines[0].value_zh, group.lines[0].value_en) == ("未认定", "not recognised as green")
    assert "降碳贷不因产品名称即为绿色贷款" in group.lines[1].value_zh
    assert all(one.name != "green" for one in draft_term_sheet(l1_term_sheet()).groups), "older sheets stay as they are"


def test_pages_api_and_papers_say_how_a_note_stands(desk: Desk) -> None:
    bank = desk.bank
    with desk.sessions.begin() as session:
        world = LinkWorld(session=session, bank=bank)
        put_in_force(session, bank.officer, bank.checker, world.standing, line_of(bank.clothing.id), contract_of())
        waiting = service.propose_drawdown(session, bank.officer, drawdown_of(), standing=world.standing, reason="提款")
        approved(session, bank.checker, waiting, at=KNOWN_AT)
        store_file(session, bank.officer, REPORT_FILE, at=KNOWN_AT)
    address = f"/v1/loan-notes/{NOTE}/green-recognitions"
    missing = desk.system.post(address, json=RECOGNITION, headers=key("g-1"))
    assert (missing.status_code, missing.json()["errors"][0]["field"]) == (409, "category")
    assert "适用的绿色目录尚未录入" in desk.get(f"/loan-notes/{NOTE}/green-recognitions/new").text
    assert "绿色：未认定" in desk.get("/loans").text
    page = desk.get(f"/loan-notes/{NOTE}").text
    assert "未认定" in page
    assert "降碳贷不因产品名称即为绿色贷款" in page
    assert "未认定" in text_of(desk.get(f"/loan-notes/{NOTE}/statement.pdf").content)
    assert desk.system.get(f"/v1/loan-notes/{NOTE}").json()["green_recognition_zh"] == "未认定"
    sheet = desk.system.post("/v1/term-sheets", json=TERM_SHEET, headers=key("g-ts")).json()
    assert "not recognised as green" in text_of(desk.system.get(sheet["pdf_address"]).content)
    with desk.sessions.begin() as session:
        enter_parameter(session, bank.officer, bank.checker, category(), reason="录入目录", at=KNOWN_AT)
    nobody = desk.system.post(address, json=RECOGNITION | {"evidence": ["f" * 64]}, headers=key("g-2"))
    assert nobody.status_code == 422
    form = desk.get(f"/loan-notes/{NOTE}/green-recognitions/new").text
    assert "9.1 光伏(示例)" in form
    entered = {**RECOGNITION, "evidence": ""}
    empty = desk.post(f"/loan-notes/{NOTE}/green-recognitions/new", entered)
    assert empty.status_code == 422
    assert "绿色认定须有依据附件" in empty.text
    unread = desk.post(f"/loan-notes/{NOTE}/green-recognitions/new", entered | {"valid_from": "明天"})
    assert (unread.status_code, "生效日填写格式不正确" in unread.text) == (422, True)
    sent = desk.post(f"/loan-notes/{NOTE}/green-recognitions/new", entered | {"evidence": REPORT_FILE.digest})
    assert sent.status_code == 303, sent.text
    assert desk.system.get(address).json()["is_recognised"] is False
    with desk.sessions.begin() as session:
        waiting = approvals.approvals_of(session, bank.checker, kinds=(service.GREEN_APPROVAL,))[0]
        approved(session, bank.checker, waiting, at=KNOWN_AT)
    told = desk.system.get(address).json()
    assert told["is_recognised"] is True
    assert told["revisions"][0]["evidence"] == [REPORT_FILE.digest]
    assert told["revisions"][0]["maker"] != told["revisions"][0]["checker"]
    shown = desk.get(f"/loan-notes/{NOTE}").text
    assert "已认定</span> 9.1 光伏(示例)（绿色目录(示例 2024)，2024-01-01 起）" in shown, "said once"
    assert REPORT_FILE.digest[:12] in shown
    assert "绿色 9.1" in desk.get("/loans").text
