"""Accounts and keys under four eyes: who may, what takes effect, what is shown once, and who has to be left."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import CarbonFinError, Conflict, InvalidInput, NotFound, NotPermitted
from carbonfin.storage import parties
from carbonfin.storage.administration import (
    KEY_APPROVAL,
    PERSON_APPROVAL,
    propose_change,
    propose_key,
    propose_person,
)
from carbonfin.storage.approvals import Answer, Approval, approve
from carbonfin.storage.engine import Sessions
from tests.storage.worlds import make_world

AT = datetime(2025, 7, 1, 1, 30, tzinfo=UTC)
CLOCK = FixedClock(AT)
PEPPER = b"a pepper of at least thirty-two bytes"
USABLE = "$argon2id$in use"


class House:
    """A bank with administrators, an officer and a neighbour."""

    def __init__(self, session: Session, *, administrators: int = 2) -> None:
        world = make_world(session, password_hash=USABLE)
        self.bank_id = world.bank_id
        self.officer, self.stranger = world.maker, world.stranger
        self.administrators = [
            parties.actor_of(
                session,
                parties.add_person(
                    session, organization_id=world.bank_id, login=f"admin{number}", name=f"管理员{number}",
                    role=Role.ADMINISTRATOR, password_hash=USABLE,
                ).id,
            )
            for number in range(administrators)
        ]  # fmt: skip


@pytest.fixture
def house(sessions: Sessions) -> House:
    with sessions.begin() as session:
        return House(session)


@pytest.fixture
def big_house(sessions: Sessions) -> House:
    with sessions.begin() as session:
        return House(session, administrators=3)


def _approve(sessions: Sessions, checker: Actor, approval: Approval, *, at: datetime = AT) -> None:
    with sessions.within(checker).begin() as session:
        approve(
            session, checker, approval.id, kinds=(PERSON_APPROVAL, KEY_APPROVAL), answer=Answer(reason="已核对"), at=at,
            business_date=date(2025, 6, 30),
        )  # fmt: skip


def _account(sessions: Sessions, actor: Actor, login: str) -> parties.Account:
    with sessions.within(actor).read() as session:
        return next(one for one in parties.accounts_of(session, actor) if one.login == login)


def _propose_person(sessions: Sessions, maker: Actor, **other: object) -> Approval:
    words = {"login": "new.officer", "name": "新客户经理", "role": Role.OFFICER, "reason": "新入职"} | other
    with sessions.within(maker).begin() as session:
        return propose_person(session, maker, at=AT, **words)  # type: ignore[arg-type]


def _approved_key(sessions: Sessions, house: House, *, days: int = 30) -> str:
    first, second = house.administrators[:2]
    with sessions.within(first).begin() as session:
        proposed = propose_key(
            session, first, name="押品系统", role=Role.SYSTEM, scopes=("collateral:read",), days=days, reason="接入", at=AT
        )  # fmt: skip
    _approve(sessions, second, proposed)
    return proposed.subject.removeprefix("key:")


# --- people ---------------------------------------------------------------------------------------------------------
def test_nobody_has_an_account_before_another_administrator_approves(sessions: Sessions, house: House) -> None:
    first, second = house.administrators
    proposed = _propose_person(sessions, first)
    with sessions.read() as session:
        assert "new.officer" not in {one.login for one in parties.accounts_of(session, first)}
    with pytest.raises(NotPermitted, match="same person"):
        _approve(sessions, first, proposed)
    with pytest.raises(NotPermitted, match="officer may not decide"):
        _approve(sessions, house.officer, proposed)
    _approve(sessions, second, proposed)
    account = _account(sessions, first, "new.officer")
    assert (account.role, account.is_unclaimed, account.must_change_password) == (Role.OFFICER, True, True)
    assert parties.authenticate_person(sessions, login="new.officer", password="", clock=CLOCK) is None


def test_only_an_administrator_proposes_and_only_roles_of_the_house(sessions: Sessions, house: House) -> None:
    with pytest.raises(NotPermitted, match="may not propose"):
        _propose_person(sessions, house.officer)
    for role in (Role.BUREAU, Role.OPERATOR, Role.SYSTEM):
        with pytest.raises(InvalidInput, match="cannot be"):
            _propose_person(sessions, house.administrators[0], role=role)


@pytest.mark.parametrize("login", ["", "Maker", "maker ", "客户经理", "-a", "a.", "a" * 65, "a\u200bb", "mаker"])
def test_a_login_that_could_be_taken_for_another_is_refused(sessions: Sessions, house: House, login: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        _propose_person(sessions, house.administrators[0], login=login)
    assert refused.value.field == "login"


@pytest.mark.parametrize("name", [" ", "a\x00", "张\u202e三", "a\u200bb", "\ud800", "x" * 101, "\ufeffa"])
def test_a_name_nobody_can_read_is_refused(sessions: Sessions, house: House, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        _propose_person(sessions, house.administrators[0], name=name)
    assert refused.value.field == "name"


def test_a_login_taken_by_another_bank_is_refused_and_nothing_is_approved(sessions: Sessions, house: House) -> None:
    first, second = house.administrators
    proposed = _propose_person(sessions, first, login="stranger")
    with pytest.raises(Conflict, match="taken"):
        _approve(sessions, second, proposed)
    with sessions.read() as session:
        assert "stranger" not in {one.login for one in parties.accounts_of(session, first)}


def test_a_first_password_is_handed_out_once(sessions: Sessions, house: House) -> None:
    first, second = house.administrators
    _approve(sessions, second, _propose_person(sessions, first))
    person = _account(sessions, first, "new.officer")
    text, digest = parties.one_time_password()
    with sessions.within(first).begin() as session:
        parties.hand_out_password(session, first, person.id, password_hash=digest, at=AT)
    signed_in = parties.authenticate_person(sessions, login="new.officer", password=text, clock=CLOCK)
    assert signed_in is not None
    assert signed_in.id == person.id
    for other in (first, second):
        with pytest.raises(Conflict, match="handed out already"), sessions.within(other).begin() as session:
            parties.hand_out_password(session, other, person.id, password_hash=USABLE, at=AT)
    with sessions.read() as session:
        events = parties.security_events_of(session, house.bank_id)
    assert not [event for event in events if text in f"{event.subject} {event.detail}"]


def test_a_one_time_password_ends_to_the_instant_and_another_is_handed_out(sessions: Sessions, house: House) -> None:
    first, second = house.administrators
    _approve(sessions, second, _propose_person(sessions, first))
    person = _account(sessions, first, "new.officer")
    assert person.one_time_until is None
    text, digest = parties.one_time_password()
    with sessions.within(first).begin() as session:
        parties.hand_out_password(session, first, person.id, password_hash=digest, at=AT)
    until = AT + timedelta(hours=72)
    assert _account(sessions, first, "new.officer").one_time_until == until
    before, after = FixedClock(until - timedelta(microseconds=1)), FixedClock(until)
    signed_in = parties.authenticate_person(sessions, login="new.officer", password=text, clock=before)
    assert signed_in is not None
    assert parties.authenticate_person(sessions, login="new.officer", password="wrong", clock=after) is None
    with pytest.raises(NotPermitted, match="was good until"):
        parties.authenticate_person(sessions, login="new.officer", password=text, clock=after)
    with pytest.raises(NotPermitted, match="was good until"):
        parties.change_password(sessions, signed_in, current=text, new="a longer horse battery 9", clock=after)
    again, digest = parties.one_time_password()
    with pytest.raises(Conflict, match="handed out already"), sessions.within(first).begin() as session:
        parties.hand_out_password(session, first, person.id, password_hash=digest, at=before.now())
    with sessions.within(first).begin() as session:
        parties.hand_out_password(session, first, person.id, password_hash=digest, at=until)
    assert parties.authenticate_person(sessions, login="new.officer", password=again, clock=after) is not None
    parties.change_password(sessions, signed_in, current=again, new="a longer horse battery 9", clock=after)
    assert _account(sessions, first, "new.officer").one_time_until is None


def test_nobody_changes_the_own_rights_in_either_seat(sessions: Sessions, big_house: House) -> None:
    first, second, third = big_house.administrators
    with pytest.raises(NotPermitted, match="own account"), sessions.within(first).begin() as session:
        propose_change(session, first, first.id, action="role", role=Role.OFFICER, reason="调岗", at=AT)
    with sessions.within(first).begin() as session:
        proposed = propose_change(session, first, second.id, action="role", role=Role.OFFICER, reason="调岗", at=AT)
    with pytest.raises(NotPermitted, match="own account"):
        _approve(sessions, second, proposed)
    _approve(sessions, third, proposed)
    assert _account(sessions, first, "admin1").role is Role.OFFICER


def test_another_bank_s_person_is_not_found(sessions: Sessions, house: House) -> None:
    first = house.administrators[0]
    for step in (parties.deactivate, parties.unlock, parties.sign_out_everywhere):
        with pytest.raises(NotFound), sessions.within(first).begin() as session:
            step(session, first, house.stranger.id, at=AT)
    with pytest.raises(NotFound), sessions.within(first).begin() as session:
        propose_change(session, first, house.stranger.id, action="password", reason="忘记密码", at=AT)


def test_a_person_who_is_out_has_no_session_and_the_own_account_is_left_alone(sessions: Sessions, house: House) -> None:
    first = house.administrators[0]
    with sessions.begin() as session:
        token = parties.open_session(session, user_id=house.officer.id, clock=CLOCK, lifetime=timedelta(hours=1))
    with sessions.within(first).begin() as session:
        parties.deactivate(session, first, house.officer.id, at=AT)
        parties.deactivate(session, first, house.officer.id, at=AT)
    with sessions.read() as session:
        assert parties.actor_for_session(session, token, CLOCK) is None
        kept_out = parties.security_events_of(session, house.bank_id, kind="person_deactivated")
    assert len(kept_out) == 1, "who is out stays out, noted once"
    with pytest.raises(InvalidInput), sessions.within(first).begin() as session:
        parties.deactivate(session, first, first.id, at=AT)


# --- two administrators are left ------------------------------------------------------------------------------------
def test_the_second_last_administrator_is_not_lost(sessions: Sessions, house: House) -> None:
    first, second = house.administrators
    with pytest.raises(NotPermitted, match="1 would be left"), sessions.within(first).begin() as session:
        parties.deactivate(session, first, second.id, at=AT)
    for take_away in (
        lambda session: parties.change_role(session, first, second.id, role=Role.OFFICER, at=AT),
        lambda session: parties.require_new_password(session, first, second.id, at=AT),
    ):
        with pytest.raises(NotPermitted, match="1 would be left"), sessions.within(first).begin() as session:
            take_away(session)
    assert _account(sessions, first, "admin1").is_active


def test_an_account_nobody_has_claimed_does_not_count_as_an_administrator(sessions: Sessions, house: House) -> None:
    first, second = house.administrators
    _approve(sessions, second, _propose_person(sessions, first, login="third", role=Role.ADMINISTRATOR))
    with pytest.raises(NotPermitted, match="1 would be left"), sessions.within(first).begin() as session:
        parties.deactivate(session, first, second.id, at=AT)
    third = _account(sessions, first, "third")
    with sessions.within(first).begin() as session:
        parties.hand_out_password(session, first, third.id, password_hash=USABLE, at=AT)
        parties.deactivate(session, first, second.id, at=AT)


def test_administrators_who_throw_one_another_out_at_once_leave_two(sessions: Sessions, big_house: House) -> None:
    first, second, third = big_house.administrators
    start, refused = threading.Barrier(3), []

    def throw_out(actor: Actor, other: Actor) -> None:
        start.wait()
        try:
            with sessions.within(actor).begin() as session:
                parties.deactivate(session, actor, other.id, at=AT)
        except CarbonFinError as error:
            refused.append(error)

    threads = [
        threading.Thread(target=throw_out, args=pair) for pair in ((first, second), (second, third), (third, first))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with sessions.read() as session:
        left = [one for one in parties.accounts_of(session, first) if one.role is Role.ADMINISTRATOR and one.is_active]
    assert (len(left), len(refused)) == (2, 2)


# --- keys -----------------------------------------------------------------------------------------------------------
def test_a_key_opens_nothing_before_it_is_collected_and_is_collected_once(sessions: Sessions, house: House) -> None:
    key_id = _approved_key(sessions, house)
    first, second = house.administrators
    with sessions.within(first).begin() as session:
        (key,) = parties.keys_of(session, house.bank_id)
        assert not key.is_live(AT)
    for guess in ("", key.prefix, f"cf_live_{key.prefix}", "cf_live_"):
        assert parties.authenticate_key(sessions, text=guess, peppers=[PEPPER], clock=CLOCK) is None
    with sessions.within(first).begin() as session:
        issued = parties.collect_key(session, first, key_id, pepper=PEPPER, at=AT)
    grant = parties.authenticate_key(sessions, text=issued.text, peppers=[PEPPER], clock=CLOCK)
    assert grant is not None
    assert (grant.actor.role, grant.scopes) == (Role.SYSTEM, frozenset({"collateral:read"}))
    with pytest.raises(Conflict, match="collected already"), sessions.within(second).begin() as session:
        parties.collect_key(session, second, key_id, pepper=PEPPER, at=AT)
    assert issued.text not in repr(issued)


def test_two_who_collect_at_the_same_instant_get_one_text(sessions: Sessions, house: House) -> None:
    key_id = _approved_key(sessions, house)
    start, texts, refused = threading.Barrier(2), [], []

    def collect(actor: Actor) -> None:
        start.wait()
        try:
            with sessions.within(actor).begin() as session:
                texts.append(parties.collect_key(session, actor, key_id, pepper=PEPPER, at=AT).text)
        except Conflict as error:
            refused.append(error)

    threads = [threading.Thread(target=collect, args=(actor,)) for actor in house.administrators]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(texts), len(refused)) == (1, 1)


def test_a_key_that_was_revoked_before_it_was_collected_stays_so(sessions: Sessions, house: House) -> None:
    key_id = _approved_key(sessions, house)
    first = house.administrators[0]
    with sessions.within(first).begin() as session:
        parties.revoke_key(session, organization_id=house.bank_id, key_id=key_id, clock=CLOCK, by=first)
    with pytest.raises(Conflict), sessions.within(first).begin() as session:
        parties.collect_key(session, first, key_id, pepper=PEPPER, at=AT)


def test_rotation_gives_no_more_than_two_people_approved(sessions: Sessions, house: House) -> None:
    """Role, scopes and length of life stay; one key has one successor; what nobody collected is not rotated."""
    key_id = _approved_key(sessions, house, days=30)
    first = house.administrators[0]
    with pytest.raises(Conflict, match="nobody has collected"), sessions.within(first).begin() as session:
        _rotate(session, first, key_id)
    with sessions.within(first).begin() as session:
        parties.collect_key(session, first, key_id, pepper=PEPPER, at=AT)
        issued = _rotate(session, first, key_id)
    with sessions.read() as session:
        known = {key.id: key for key in parties.keys_of(session, house.bank_id)}
    new, old = known[issued.key_id], known[key_id]
    assert (new.role, new.scopes, new.expires_at) == (old.role, old.scopes, AT + timedelta(days=30))
    assert old.expires_at == AT + timedelta(days=7)
    with pytest.raises(Conflict, match="rotated already"), sessions.within(first).begin() as session:
        _rotate(session, first, key_id)


def _rotate(session: Session, by: Actor, key_id: str) -> parties.IssuedKey:
    return parties.rotate_key(
        session, by=by, key_id=key_id, expires_at=AT + timedelta(days=365), overlap=timedelta(days=7), pepper=PEPPER,
        clock=CLOCK,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"role": Role.ADMINISTRATOR}, "role"),
        ({"role": Role.OFFICER}, "role"),
        ({"role": Role.BUREAU}, "role"),
        ({"scopes": ()}, "scopes"),
        ({"days": 0}, "days"),
        ({"days": 367}, "days"),
        ({"name": " "}, "name"),
    ],
)
def test_a_key_that_cannot_be_is_not_proposed(
    sessions: Sessions, house: House, change: dict[str, object], field: str
) -> None:
    words = {"name": "押品系统", "role": Role.SYSTEM, "scopes": ("*",), "days": 30, "reason": "接入"} | change
    first = house.administrators[0]
    with pytest.raises(InvalidInput) as refused, sessions.within(first).begin() as session:
        propose_key(session, first, at=AT, **words)  # type: ignore[arg-type]
    assert refused.value.field == field


# --- numbers of other systems ---------------------------------------------------------------------------------------
def test_a_number_stands_for_one_thing_in_one_bank(sessions: Sessions, house: House) -> None:
    add = parties.add_external_id
    with sessions.within(house.officer).begin() as session:
        one = add(session, house.officer, kind="customer", value=" C001 ", subject="party:1", at=AT)
        assert add(session, house.officer, kind="customer", value="C001", subject="party:1", at=AT) == one
        add(session, house.officer, kind="contract", value="C001", subject="loan:1", at=AT)
        with pytest.raises(Conflict, match="stands for party:1"):
            add(session, house.officer, kind="customer", value="C001", subject="party:2", at=AT)
    with sessions.within(house.stranger).begin() as session:
        add(session, house.stranger, kind="customer", value="C001", subject="party:9", at=AT)
        with pytest.raises(NotFound):
            parties.remove_external_id(session, house.stranger, one.id)
        assert [found.subject for found in parties.find_external_ids(session, house.stranger, "C0")] == ["party:9"]
    with sessions.read() as session:
        assert parties.find_external_ids(session, house.officer, "C00%") == ()
        found = parties.external_ids_of_all(session, house.officer, ["party:1", "loan:1", "party:9"])
    assert {subject: [one.kind for one in numbers] for subject, numbers in found.items()} == {
        "party:1": ["customer"], "loan:1": ["contract"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "value"), [("passport", "C1"), ("customer", ""), ("customer", "<b>"), ("customer", "1" * 65)]
)
def test_a_number_of_another_shape_is_refused(sessions: Sessions, house: House, kind: str, value: str) -> None:
    with pytest.raises(InvalidInput), sessions.within(house.officer).begin() as session:
        parties.add_external_id(session, house.officer, kind=kind, value=value, subject="party:1", at=AT)
