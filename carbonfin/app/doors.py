"""Recognising who asks: an API key, or the session of a person."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from litestar.concurrency import sync_to_thread

from carbonfin.app.identity.second_factor import SecondFactorRule
from carbonfin.app.identity.single_sign_on import Vouched
from carbonfin.app.identity.tokens import mint_token, read_token
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.cryptography import KeyRing
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import NotPermitted
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import (
    ALL_SCOPES,
    Factor,
    KeyGrant,
    KnownPasswords,
    SignedIn,
    Standing,
    actor_for_session,
    authenticate_key,
    authenticate_person,
    begin_second_factor,
    change_password,
    confirm_person,
    confirm_second_factor,
    confirm_session,
    end_second_factor,
    end_session,
    grant_of_key,
    has_second_factor,
    is_confirmed,
    is_seen_long_ago,
    load_organization,
    note_key_use,
    note_seen,
    open_session,
    person_of_subject,
    prove_second_factor,
    standing_of,
)
from carbonfin.storage.parties.keys import CLIENT_ID_LENGTH, KEY_START
from carbonfin.web.connections import Connection
from carbonfin.web.problems import EdgeProblem
from carbonfin.web.security import SESSION_COOKIE, cookie_of
from carbonfin.web.visitors import Door, Visitor, remember_visitor, visitor_of

SESSION_LIFETIME = timedelta(hours=10)
_DOORS = "carbonfin_doors"
_BEARER = "bearer "
_DOTS_OF_A_TOKEN = 2
_CHECKED_AT_ONCE = 2
_WAITING_MAX = 50


class Doors:
    """The ways in: keys for systems, passwords and sessions for people."""

    def __init__(
        self,
        sessions: Sessions,
        clock: Clock,
        keys: KeyRing,
        second_factor: SecondFactorRule | None = None,
        known_passwords: KnownPasswords | None = None,
    ) -> None:
        self._sessions = sessions.at_the_door()
        self._clock = clock
        self._keys = keys
        self._second_factor = second_factor or SecondFactorRule()
        self._known_passwords = known_passwords
        self._gate = asyncio.Semaphore(_CHECKED_AT_ONCE)
        self._waiting_count = 0

    async def recognise(self, connection: Connection) -> Visitor | None:
        """Give the visitor of a request and keep it with the request; a key that is given is never passed over."""
        known = visitor_of(connection)
        if known is not None:
            return known
        header = connection.headers.get("authorization")
        cookie = cookie_of(connection, SESSION_COOKIE)
        if header is not None:
            visitor = await self._by_header(header)
        elif cookie:
            visitor = await sync_to_thread(self.by_session, cookie)
        else:
            visitor = None
        if visitor is not None:
            remember_visitor(connection.scope, visitor)
        return visitor

    async def _by_header(self, header: str) -> Visitor | None:
        """Give the visitor of an `Authorization` header; only what waits for a database goes by way of a thread."""
        at_once = self._sessions.answers_at_once
        grant, door = self._grant_and_door(header) if at_once else await sync_to_thread(self._grant_and_door, header)
        if grant is None:
            return None
        if grant.is_use_due:
            await sync_to_thread(note_key_use, self._sessions, grant, self._clock)
        return _visitor(grant.actor, grant.standing, door, scopes=grant.scopes)

    def _grant_and_door(self, header: str) -> tuple[KeyGrant | None, Door]:
        text = header[len(_BEARER) :].strip() if header.lower().startswith(_BEARER) else ""
        if text.count(".") == _DOTS_OF_A_TOKEN:
            return self._grant_of_token(text), Door.TOKEN
        return self._grant_of_text(text), Door.KEY

    def grant_of_client(self, client_id: str, secret: str) -> KeyGrant | None:
        """Give whom a client stands for: its identifier must be the prefix of its key."""
        grant = self._grant_of_text(secret)
        fits = bool(client_id) and secret.removeprefix(KEY_START).startswith(client_id)
        if grant is None or not fits or len(client_id) != CLIENT_ID_LENGTH:
            return None
        note_key_use(self._sessions, grant, self._clock)
        return grant

    def token_for(self, grant: KeyGrant, scopes: frozenset[str]) -> str:
        """Make a token for some of a key's scopes."""
        return mint_token(self._keys, key_id=grant.actor.id, scopes=scopes, clock=self._clock)

    def _grant_of_text(self, text: str) -> KeyGrant | None:
        return authenticate_key(self._sessions, text=text, peppers=self._keys.secrets, clock=self._clock)

    def _grant_of_token(self, text: str) -> KeyGrant | None:
        """Give whom a token stands for: never more than its key may now."""
        claims = read_token(self._keys, text, clock=self._clock)
        if claims is None:
            return None
        grant = grant_of_key(self._sessions, key_id=claims.key_id, clock=self._clock)
        if grant is None:
            return None
        scopes = claims.scopes if ALL_SCOPES in grant.scopes else claims.scopes & grant.scopes
        return replace(grant, scopes=scopes)

    def by_session(self, token: str) -> Visitor | None:
        """Give the visitor of a session cookie."""
        with self._sessions.read() as session:
            found = actor_for_session(session, token, self._clock)
            if found is None:
                return None
            actor, signed_in = found
            standing = standing_of(session, actor.organization_id, self._clock)
            must_enrol = signed_in.factor is Factor.PASSWORD and self._second_factor.is_asked_of(
                lambda: load_organization(session, actor.organization_id).usci
            )
        if is_seen_long_ago(signed_in, self._clock):
            with self._sessions.begin() as session:
                note_seen(session, signed_in.id, self._clock)
        return _visitor(actor, standing, Door.SESSION, signed_in=signed_in, must_enrol=must_enrol)

    def confirm(self, request: Connection, password: str) -> None:
        """Have the signed-in person give the own password again before a binding step; it holds for five minutes.

        Raises:
            NotPermitted: The asker is no person, or the password does not fit; failures count towards the lock.
        """
        visitor = visitor_of(request)
        if visitor is None or visitor.signed_in is None:
            raise NotPermitted(
                "only a signed-in person may take this step",
                zh="此步骤须由登录的本人办理，系统密钥不能代办",
                field="password",
                remedy="Sign in and confirm with your password.",
                remedy_zh="请由本人登录并输入密码确认。",
            )
        if not password and is_confirmed(visitor.signed_in, self._clock):
            return
        if not confirm_person(self._sessions, person_id=visitor.actor.id, password=password, clock=self._clock):
            raise NotPermitted(
                "the password does not fit",
                zh="密码不正确",
                field="password",
                remedy="Give your own password; after five failures every session of yours ends.",
                remedy_zh="请输入本人密码；连续输错 5 次，本人的全部会话将结束。",
            )
        with self._sessions.begin() as session:
            confirm_session(session, visitor.signed_in.id, self._clock)

    def change_password(self, request: Connection, *, current: str, new: str) -> None:
        """Change the signed-in person's password and end the person's other sessions."""
        visitor = visitor_of(request)
        assert visitor is not None, "the policy lets only people in"
        kept = None if visitor.signed_in is None else visitor.signed_in.id
        change_password(
            self._sessions, visitor.actor, current=current, new=new, clock=self._clock, keep_session=kept,
            known=self._known_passwords,
        )  # fmt: skip

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn to have a password checked: anybody may ask for it, and it takes long and a thread.

        Raises:
            EdgeProblem: So many wait already that another would wait in vain.
        """
        if self._waiting_count >= _WAITING_MAX:
            raise EdgeProblem(
                "too-many-requests",
                "too many people are signing in at this moment; wait 5 s",
                zh="此刻登录人数过多，请等待 5 秒",
                headers={"Retry-After": "5"},
            )
        self._waiting_count += 1
        try:
            async with self._gate:
                yield
        finally:
            self._waiting_count -= 1

    def sign_in(self, login: str, password: str, *, device: str = "", replaces: str = "") -> str:
        """Open a session for a person and give its token.

        Args:
            login: Who it is said to be.
            password: What proves it.
            device: What the browser calls itself.
            replaces: The token of the session the browser had before, which ends.

        Raises:
            NotPermitted: Login and password do not fit, or the account is locked; which of them is not said.
        """
        actor = authenticate_person(self._sessions, login=login, password=password, clock=self._clock)
        if actor is None:
            raise NotPermitted(
                "user name and password do not fit, or the account is locked",
                zh="用户名或密码不正确，或账户暂时锁定",
                field="password",
                remedy="Check both; after five failures wait fifteen minutes.",
                remedy_zh="请核对后重试；连续输错 5 次须等待 15 分钟。",
            )
        with self._sessions.read() as session:
            factor = Factor.WAITING if has_second_factor(session, actor.id) else Factor.PASSWORD
        return self._opened(actor, device=device, replaces=replaces, factor=factor)

    def give_second_factor(self, visitor: Visitor, code: str, *, token: str) -> str:
        """Open the session of a person whose password fitted already, in place of the one that waits; give its token.

        Raises:
            NotPermitted: The code does not fit, or was used.
        """
        assert visitor.signed_in is not None, "the policy lets only people in"
        self.require_code(visitor.actor, code)
        return self._opened(visitor.actor, device=visitor.signed_in.device, replaces=token, factor=Factor.SECOND)

    def require_code(self, actor: Actor, code: str) -> None:
        """Take a code of a person's authenticator, or a recovery code; each is good once.

        Raises:
            NotPermitted: It does not fit, was used, or the account is locked; which of them is not said.
        """
        if not prove_second_factor(self._sessions, person_id=actor.id, code=code, keys=self._keys, clock=self._clock):
            raise NotPermitted(
                "the code does not fit or was used already, or the account is locked",
                zh="验证码不正确或已使用，或账户暂时锁定",
                field="code",
                remedy="Wait for the next code; after five failures wait fifteen minutes and sign in again.",
                remedy_zh="请等待下一个验证码；连续输错 5 次须等待 15 分钟后重新登录。",
            )

    def begin_second_factor(self, sessions: Sessions, actor: Actor) -> bytes:
        """Draw the secret of the actor's authenticator."""
        with sessions.begin() as session:
            return begin_second_factor(session, actor, keys=self._keys, at=self._clock.now())

    def confirm_second_factor(self, sessions: Sessions, request: Connection, code: str) -> tuple[str, ...]:
        """Have the authenticator of the signed-in person count from now on, and give its recovery codes."""
        visitor = visitor_of(request)
        assert visitor is not None, "the policy lets only people in"
        kept = "" if visitor.signed_in is None else visitor.signed_in.id
        with sessions.begin() as session:
            return confirm_second_factor(
                session, visitor.actor, code=code, keep_session=kept, keys=self._keys, at=self._clock.now()
            )

    def end_second_factor(self, sessions: Sessions, actor: Actor, code: str) -> None:
        """Forget the actor's authenticator, with one of its codes."""
        self.require_code(actor, code)
        with sessions.begin() as session:
            end_second_factor(session, actor, actor.id, kind="second_factor_ended", at=self._clock.now())

    def sign_in_by_provider(self, vouched: Vouched, *, device: str = "", replaces: str = "") -> str:
        """Open a session for whom an organisation's own provider vouches for, and give its token.

        Raises:
            NotPermitted: No account of that organisation belongs to them.
        """
        return self._opened(self._person_of(vouched), device=device, replaces=replaces, factor=Factor.PROVIDER)

    def _opened(self, actor: Actor, *, device: str, replaces: str, factor: Factor) -> str:
        with self._sessions.begin() as session:
            if replaces:
                end_session(session, replaces)
            return open_session(
                session, user_id=actor.id, clock=self._clock, lifetime=SESSION_LIFETIME, device=device, factor=factor
            )

    def confirm_by_provider(self, token: str, vouched: Vouched) -> None:
        """Take the provider's word in place of the password, for the person of the session that is open.

        Raises:
            NotPermitted: No session is open, or it is another person's.
        """
        visitor = self.by_session(token) if token else None
        if visitor is None or visitor.signed_in is None or self._person_of(vouched).id != visitor.actor.id:
            raise _no_account()
        with self._sessions.begin() as session:
            confirm_session(session, visitor.signed_in.id, self._clock)

    def _person_of(self, vouched: Vouched) -> Actor:
        person = person_of_subject(
            self._sessions,
            organization_usci=vouched.provider.organization_usci,
            issuer=vouched.provider.issuer,
            subject=vouched.subject,
            login=vouched.login,
            clock=self._clock,
        )
        if person is None:
            raise _no_account()
        return person

    def sign_out(self, token: str) -> None:
        """End a session."""
        with self._sessions.begin() as session:
            end_session(session, token)


def _visitor(
    actor: Actor,
    standing: Standing,
    door: Door,
    *,
    scopes: frozenset[str] = frozenset(),
    signed_in: SignedIn | None = None,
    must_enrol: bool = False,
) -> Visitor:
    return Visitor(
        actor=actor,
        organization_name=standing.name,
        business_date=standing.business_date,
        is_sample=standing.is_sample,
        door=door,
        scopes=scopes,
        signed_in=signed_in,
        must_enrol=must_enrol,
    )


def _no_account() -> NotPermitted:
    return NotPermitted(
        "single sign-on succeeded, but no account here belongs to this person",
        zh="单点登录成功，但本系统没有对应的账户",
        field="provider",
        remedy="Ask the administrator of your organisation for an account.",
        remedy_zh="请联系本机构管理员开通账户。",
    )


def keep_doors(state: Any, doors: Doors) -> None:
    """Keep the doors with the application."""
    state[_DOORS] = doors


def doors_of(connection: Connection) -> Doors:
    """Give the application's doors."""
    return cast("Doors", connection.app.state[_DOORS])
