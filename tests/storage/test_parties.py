"""Organisations, people, keys, sessions and parties."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from carbonfin.kernel.actors import Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.kernel.parties import PartyKind
from carbonfin.storage import parties
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import Place
from carbonfin.storage.parties.passwords import NOBODYS_HASH
from tests.storage.worlds import CLOCK, NOW, PASSWORD, World, make_world

PEPPER = b"a pepper of at least thirty-two bytes"
E2 = parties.PartyDraft(
    kind=PartyKind.ENTERPRISE,
    name="示例微电子(深圳)有限公司",
    usci="91440300EXAMPLE2XB",
    lei=None,
    industry="C3973",
    district="南山",
    scheme="SZA",
    key_emitter=True,
    is_sample=True,
)
HK1 = replace(
    E2,
    kind=PartyKind.COUNTERPARTY,
    name="示例碳资产(香港)有限公司",
    usci=None,
    lei="0000EXAMPLEHK0000098",
    industry=None,
)


@pytest.fixture(scope="module")
def password_hash() -> str:
    return parties.hash_password(PASSWORD)


@pytest.fixture
def world(sessions: Sessions, password_hash: str) -> World:
    with sessions.begin() as session:
        return make_world(session, password_hash=password_hash)


def sign_in(sessions: Sessions, password: str, *, login: str = "maker", at: datetime = NOW) -> object:
    return parties.authenticate_person(sessions, login=login, password=password, clock=FixedClock(at))


def test_a_person_signs_in_with_their_password_only(sessions: Sessions, world: World) -> None:
    assert sign_in(sessions, PASSWORD) == world.maker
    assert world.maker.is_sample
    assert sign_in(sessions, PASSWORD + " ") is None
    assert sign_in(sessions, PASSWORD, login="nobody") is None


def test_five_failures_lock_for_fifteen_minutes(sessions: Sessions, world: World) -> None:
    for _ in range(4):
        assert sign_in(sessions, "wrong password") is None
    assert sign_in(sessions, PASSWORD) == world.maker  # four failures, then a success, start the count anew
    for _ in range(5):
        assert sign_in(sessions, "wrong password") is None
    assert sign_in(sessions, PASSWORD) is None
    assert sign_in(sessions, PASSWORD, at=NOW + timedelta(minutes=14, seconds=59)) is None
    assert sign_in(sessions, PASSWORD, at=NOW + timedelta(minutes=15)) == world.maker
    assert sign_in(sessions, PASSWORD, login="checker") == world.checker


def test_an_unknown_login_costs_the_same_hash(password_hash: str) -> None:
    assert NOBODYS_HASH.split("$")[:4] == password_hash.split("$")[:4]
    assert len(NOBODYS_HASH) == len(password_hash)


def test_passwords_are_kept_as_argon2id_only(sessions: Sessions, world: World) -> None:  # noqa: ARG001
    with sessions.read() as session:
        row = session.exec(select(parties.UserRow).where(parties.UserRow.login == "maker")).one()
    assert row.password_hash.startswith("$argon2id$")
    assert PASSWORD not in row.model_dump_json()


@pytest.mark.parametrize("password", ["short", "x" * 257])
def test_passwords_have_a_length(password: str) -> None:
    with pytest.raises(InvalidInput):
        parties.hash_password(password)


def issue(sessions: Sessions, world: World, *, expires_at: datetime = NOW + timedelta(days=90)) -> parties.IssuedKey:
    with sessions.begin() as session:
        return parties.issue_key(
            session,
            organization_id=world.bank_id,
            name="demo-core-banking",
            role=Role.SYSTEM,
            scopes=("valuations:read",),
            expires_at=expires_at,
            pepper=PEPPER,
        )


def test_a_key_stands_for_its_organisation(sessions: Sessions, world: World) -> None:
    key = issue(sessions, world)
    grant = parties.authenticate_key(sessions, text=key.text, peppers=(PEPPER,), clock=CLOCK)
    assert grant is not None
    assert (grant.actor.organization_id, grant.actor.role, grant.actor.name) == (
        world.bank_id, Role.SYSTEM, "demo-core-banking",
    )  # fmt: skip
    assert grant.scopes == {"valuations:read"}
    assert grant.is_use_due
    parties.note_key_use(sessions, grant, CLOCK)
    with sessions.read() as session:
        row = session.exec(select(parties.ApiKeyRow)).one()
    assert row.last_used_at == NOW
    assert key.text not in row.model_dump_json()
    assert key.text not in repr(key)


def test_a_key_that_is_wrong_expired_or_revoked_opens_nothing(sessions: Sessions, world: World) -> None:
    key = issue(sessions, world)
    for text in (
        key.text[:-1] + ("A" if key.text[-1] != "A" else "B"),
        key.text[:20],
        "",
        "钥匙",
        "\x00" * 40,
        "\ud800",
    ):
        assert parties.authenticate_key(sessions, text=text, peppers=(PEPPER,), clock=CLOCK) is None
    assert parties.authenticate_key(sessions, text=key.text, peppers=(b"another pepper",), clock=CLOCK) is None
    late = FixedClock(NOW + timedelta(days=90))
    assert parties.authenticate_key(sessions, text=key.text, peppers=(PEPPER,), clock=late) is None
    with sessions.begin() as session:
        parties.revoke_key(session, organization_id=world.bank_id, key_id=key.key_id, clock=CLOCK)
    assert parties.authenticate_key(sessions, text=key.text, peppers=(PEPPER,), clock=CLOCK) is None


def test_another_bank_cannot_revoke_a_key(sessions: Sessions, world: World) -> None:
    key = issue(sessions, world)
    with pytest.raises(NotFound), sessions.begin() as session:
        parties.revoke_key(session, organization_id=world.other_bank_id, key_id=key.key_id, clock=CLOCK)
    assert parties.authenticate_key(sessions, text=key.text, peppers=(PEPPER,), clock=CLOCK) is not None


def test_a_session_lasts_its_lifetime(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        token = parties.open_session(session, user_id=world.maker.id, clock=CLOCK, lifetime=timedelta(hours=8))
    with sessions.read() as session:
        found = parties.actor_for_session(session, token, CLOCK)
        assert found is not None
        assert found[0] == world.maker
        assert parties.actor_for_session(session, token + "x", CLOCK) is None
        assert parties.actor_for_session(session, token, FixedClock(NOW + timedelta(hours=8))) is None
        kept = session.exec(select(parties.SessionRow.token_digest)).one()
    assert token not in kept
    with sessions.begin() as session:
        parties.end_session(session, token)
    with sessions.read() as session:
        assert parties.actor_for_session(session, token, CLOCK) is None


def test_a_person_who_left_has_no_session(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        token = parties.open_session(session, user_id=world.maker.id, clock=CLOCK, lifetime=timedelta(hours=8))
        session.exec(sa.update(parties.UserRow).values(is_active=False))
    with sessions.read() as session:
        assert parties.actor_for_session(session, token, CLOCK) is None
    assert sign_in(sessions, PASSWORD) is None


def test_a_sample_bank_knows_no_more_than_its_own_day(sessions: Sessions, world: World) -> None:
    with sessions.read() as session:
        sample = parties.standing_of(session, world.bank_id, CLOCK)
        real = parties.standing_of(session, world.other_bank_id, CLOCK)
    assert sample.known_at == datetime(2025, 6, 30, 15, 59, 59, 999999, tzinfo=UTC)  # 23:59:59 in Shanghai
    assert real.known_at == NOW
    assert sample.business_date == date(2025, 6, 30)


def test_the_business_date_moves_forward_once(sessions: Sessions, world: World) -> None:
    for expected, to, error in (
        (date(2025, 6, 30), date(2025, 7, 1), None),
        (date(2025, 6, 30), date(2025, 7, 1), Conflict),
        (date(2025, 7, 1), date(2025, 6, 30), InvalidInput),
    ):

        def roll(expected: date = expected, to: date = to) -> None:
            with sessions.begin() as session:
                parties.roll_business_date(
                    session, world.bank_id, expected=expected, to=to, state=parties.DayState.OPEN
                )  # fmt: skip

        if error is None:
            roll()
        else:
            with pytest.raises(error):
                roll()
    with sessions.read() as session:
        assert parties.load_organization(session, world.bank_id).business_date == date(2025, 7, 1)


def test_saving_an_organisation_twice_changes_nothing(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        assert make_world(session, password_hash="!").bank_id == world.bank_id
        assert len(parties.organizations(session)) == 2


def test_a_party_is_found_by_either_code_within_its_bank_only(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        e2 = parties.save_party(session, world.maker, E2)
        hk1 = parties.save_party(session, world.maker, HK1)
    with sessions.read() as session:
        assert parties.party_by_code(session, world.maker, " 91440300example2xb ") == e2
        assert parties.party_by_code(session, world.maker, "0000EXAMPLEHK0000098") == hk1
        assert hk1.usci is None
        assert parties.parties_of(session, world.maker) == (hk1, e2)
        assert parties.parties_of(session, world.stranger) == ()
        for ask in (
            lambda: parties.party_by_code(session, world.stranger, "91440300EXAMPLE2XB"),
            lambda: parties.load_party(session, world.stranger, e2.id),
            lambda: parties.load_party(session, world.maker, "unknown"),
        ):
            with pytest.raises(NotFound):
                ask()


def test_saving_a_party_again_updates_it(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        first = parties.save_party(session, world.maker, E2)
        second = parties.save_party(session, world.maker, replace(E2, district="福田"))
        assert second == replace(first, district="福田", version=2)


def test_parties_with_wrong_codes_are_refused(sessions: Sessions, world: World) -> None:
    for wrong in (
        replace(E2, usci="91440300EXAMPLE2XC"),
        replace(E2, usci=None),
        replace(HK1, lei="0000EXAMPLEHK0000099"),
        replace(E2, industry="半导体"),
        replace(E2, name=" "),
    ):
        with pytest.raises(InvalidInput), sessions.begin() as session:
            parties.save_party(session, world.maker, wrong)


def test_codes_of_two_parties_do_not_merge(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        parties.save_party(session, world.maker, E2)
        parties.save_party(session, world.maker, HK1)
    with pytest.raises(Conflict), sessions.begin() as session:
        parties.save_party(session, world.maker, replace(E2, lei=HK1.lei))


def test_a_login_taken_meanwhile_is_a_conflict(sessions: Sessions, world: World) -> None:
    with pytest.raises(Conflict), sessions.begin() as session:
        session.add(
            parties.UserRow(
                organization_id=world.bank_id, login="maker", name="x", role=Role.OFFICER, password_hash="x"
            )
        )


# --- entered and corrected ------------------------------------------------------------------------------------------
def test_a_party_is_entered_once(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        entered = parties.add_party(session, world.maker, E2, at=NOW)
        with pytest.raises(Conflict, match="entered already") as refused:
            parties.add_party(session, world.maker, replace(E2, name="另一名称"), at=NOW)
        assert refused.value.context["party_id"] == entered.id
        other = parties.add_party(session, world.stranger, E2, at=NOW)
    assert other.id != entered.id
    with pytest.raises(InvalidInput, match="has no USCI"), sessions.begin() as session:
        parties.add_party(session, world.maker, replace(HK1, kind=PartyKind.ENTERPRISE), at=NOW)
    with pytest.raises(InvalidInput) as strange, sessions.begin() as session:
        parties.add_party(session, world.maker, replace(E2, usci=None, lei=HK1.lei, scheme="XYZ",
                                                        kind=PartyKind.COUNTERPARTY), at=NOW)  # fmt: skip
    assert strange.value.field == "scheme"


def test_a_correction_counts_and_says_what_stood_before(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        entered = parties.add_party(session, world.maker, E2, at=NOW)
        same = parties.correct_party(session, world.maker, entered.id, E2, expected_version=1, at=NOW)
        changed = parties.correct_party(
            session, world.maker, entered.id, replace(E2, key_emitter=False, lei=HK1.lei), expected_version=1, at=NOW
        )
    assert (same.version, changed.version, changed.key_emitter) == (1, 2, False)
    with sessions.read() as session:
        (event,) = parties.security_events_of(session, world.bank_id, kind="party_corrected")
    assert (event.subject, event.detail) == (
        f"party:{entered.id}", f"lei: — → {HK1.lei}; key_emitter: true → false",
    )  # fmt: skip
    with pytest.raises(Conflict, match="changed meanwhile"), sessions.begin() as session:
        parties.correct_party(session, world.maker, entered.id, E2, expected_version=1, at=NOW)


def test_a_code_is_added_and_never_replaced(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        entered = parties.add_party(session, world.maker, E2, at=NOW)
        parties.add_party(session, world.maker, HK1, at=NOW)
    for draft, refusal in (
        (replace(E2, usci="91440300EXAMPLE466"), InvalidInput),
        (replace(E2, usci=None, lei=HK1.lei, kind=PartyKind.COUNTERPARTY), InvalidInput),
        (replace(E2, lei=HK1.lei), Conflict),
    ):
        with pytest.raises(refusal), sessions.begin() as session:
            parties.correct_party(session, world.maker, entered.id, draft, expected_version=1, at=NOW)
    with pytest.raises(NotFound), sessions.begin() as session:
        parties.correct_party(session, world.stranger, entered.id, E2, expected_version=1, at=NOW)


def test_parties_come_in_pages_by_code(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        for draft in (HK1, E2, replace(E2, usci="91440300EXAMPLE466", name="示例服饰")):
            parties.add_party(session, world.maker, draft, at=NOW)
        parties.add_party(session, world.stranger, E2, at=NOW)
    seen: list[str] = []
    after = None
    with sessions.read() as session:
        for _ in range(4):
            found = parties.party_page(session, world.maker, Place(limit=1, after=after))
            seen += [party.code for party in found.items]
            after = found.last
            if after is None:
                break
        enterprises = parties.party_page(session, world.maker, Place(limit=9), kind=PartyKind.ENTERPRISE)
    assert seen == ["0000EXAMPLEHK0000098", "91440300EXAMPLE2XB", "91440300EXAMPLE466"]
    assert [party.code for party in enterprises.items] == seen[1:]
