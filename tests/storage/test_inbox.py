"""The inbox: told once, shown to whom it is addressed, noted by name."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.storage import messages
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import Place
from carbonfin.storage.messages import InboxNotice
from tests.storage.worlds import World, make_world

AT = datetime(2025, 7, 1, 1, 30, tzinfo=UTC)


@pytest.fixture
def world(sessions: Sessions) -> World:
    with sessions.begin() as session:
        return make_world(session, password_hash="x")


def notice(
    world: World, *, key: str = "k1", role: Role | None = Role.CHECKER, person: Actor | None = None
) -> InboxNotice:
    return InboxNotice(
        organization_id=world.bank_id, key=key, kind="test.waits", subject="thing:1", title_zh="待复核", title_en="Waits",
        text_zh="请复核", text_en="Please decide", address="/approvals/a1", due_on=date(2025, 7, 2),
        role=None if person is not None else role, person_id=None if person is None else person.id,
    )  # fmt: skip


def tell(sessions: Sessions, one: InboxNotice, at: datetime = AT) -> str:
    with sessions.begin() as session:
        return messages.tell(session, one, at).id


def shown(sessions: Sessions, actor: Actor, *, unread: bool | None = None) -> list[str]:
    with sessions.read() as session:
        return [item.key for item in messages.inbox_of(session, actor, unread=unread)]


def test_a_notice_is_told_once_and_shown_to_its_role_alone(sessions: Sessions, world: World) -> None:
    first = tell(sessions, notice(world))
    again = tell(sessions, replace(notice(world), title_zh="另一标题"), AT + timedelta(hours=1))
    assert first == again
    with sessions.read() as session:
        (item,) = messages.inbox_of(session, world.checker)
    assert (item.title_zh, item.created_at, item.due_on, item.read_at) == ("待复核", AT, date(2025, 7, 2), None)
    assert shown(sessions, world.maker) == []
    assert shown(sessions, replace(world.checker, organization_id=world.other_bank_id)) == []


def test_a_notice_to_a_person_is_shown_to_nobody_else(sessions: Sessions, world: World) -> None:
    tell(sessions, notice(world, person=world.maker))
    assert shown(sessions, world.maker) == ["k1"]
    assert shown(sessions, replace(world.maker, id="someone-else")) == []


def test_who_notes_it_first_is_named_and_a_second_note_changes_nothing(sessions: Sessions, world: World) -> None:
    item_id = tell(sessions, notice(world))
    with sessions.begin() as session:
        assert messages.unread_count(session, world.checker) == 1
        noted = messages.mark_read(session, world.checker, item_id, at=AT)
        again = messages.mark_read(
            session, replace(world.checker, name="another"), item_id, at=AT + timedelta(hours=1)
        )  # fmt: skip
        assert messages.unread_count(session, world.checker) == 0
    assert (noted.read_at, noted.read_by) == (again.read_at, again.read_by) == (AT, "checker")
    assert shown(sessions, world.checker, unread=True) == []
    assert shown(sessions, world.checker, unread=False) == ["k1"]


def test_what_is_anothers_cannot_be_read_or_noted(sessions: Sessions, world: World) -> None:
    item_id = tell(sessions, notice(world))
    for actor in (world.maker, replace(world.stranger, role=Role.CHECKER)):
        with pytest.raises(NotFound), sessions.begin() as session:
            messages.mark_read(session, actor, item_id, at=AT)
        with pytest.raises(NotFound), sessions.read() as session:
            messages.load_item(session, actor, item_id)


def test_what_was_dealt_with_leaves_the_list_under_the_name_of_who_did(sessions: Sessions, world: World) -> None:
    tell(sessions, notice(world, key="k1"))
    tell(sessions, notice(world, key="k2"))
    tell(sessions, replace(notice(world, key="k3"), subject="thing:2"))
    with sessions.begin() as session:
        settled = messages.settle(
            session, world.bank_id, kind="test.waits", subject="thing:1", by="乙", at=AT
        )  # fmt: skip
        assert settled == 2
    assert shown(sessions, world.checker, unread=True) == ["k3"]
    with sessions.read() as session:
        assert {item.read_by for item in messages.inbox_of(session, world.checker, unread=False)} == {"乙"}


def test_pages_follow_each_other_without_gap_or_repetition(sessions: Sessions, world: World) -> None:
    for number in range(5):
        tell(sessions, notice(world, key=f"k{number}"), AT + timedelta(minutes=number // 2))
    found: list[str] = []
    place = Place(limit=2)
    while True:
        with sessions.read() as session:
            page = messages.inbox_page(session, world.checker, place)
        found += [item.key for item in page.items]
        if page.last is None:
            break
        place = Place(limit=2, after=page.last)
    assert sorted(found) == ["k0", "k1", "k2", "k3", "k4"]
    assert found[0] == "k4"


def test_two_that_tell_the_same_at_the_same_instant_tell_it_once(sessions: Sessions, world: World) -> None:
    start = threading.Barrier(4)
    told: list[str] = []

    def work() -> None:
        start.wait()
        told.append(tell(sessions, notice(world)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 4
    assert len(set(told)) == 1


@pytest.mark.parametrize(
    "address", ["", "approvals/1", "//evil.example", "https://evil.example", "javascript:alert(1)"]
)
def test_a_notice_leads_only_to_our_own_pages(address: str) -> None:
    with pytest.raises(InvalidInput, match="page of ours"):
        InboxNotice(
            organization_id="o", key="k", kind="k", subject="s", title_zh="", title_en="", text_zh="", text_en="",
            address=address, role=Role.RISK,
        )  # fmt: skip


@pytest.mark.parametrize(("role", "person_id"), [(None, None), (Role.RISK, "p1")])
def test_a_notice_goes_to_a_role_or_a_person(role: Role | None, person_id: str | None) -> None:
    with pytest.raises(InvalidInput, match="role or to a person"):
        InboxNotice(
            organization_id="o", key="k", kind="k", subject="s", title_zh="", title_en="", text_zh="", text_en="",
            address="/", role=role, person_id=person_id,
        )  # fmt: skip
