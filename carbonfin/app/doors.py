"""Recognising who asks: an API key, or the session of a person."""

from datetime import timedelta
from typing import Any, cast

from litestar.concurrency import sync_to_thread

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import NotPermitted
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import (
    actor_for_session,
    authenticate_key,
    authenticate_person,
    end_session,
    open_session,
    standing_of,
)
from carbonfin.web.connections import Connection
from carbonfin.web.security import SESSION_COOKIE
from carbonfin.web.visitors import Door, Visitor, remember_visitor, visitor_of

SESSION_LIFETIME = timedelta(hours=10)
_DOORS = "carbonfin_doors"
_BEARER = "bearer "


class Doors:
    """The ways in: keys for systems, passwords and sessions for people."""

    def __init__(self, sessions: Sessions, clock: Clock, secret: bytes) -> None:
        self._sessions = sessions.at_the_door()
        self._clock = clock
        self._secret = secret

    async def recognise(self, connection: Connection) -> Visitor | None:
        """Give the visitor of a request and keep it with the request; a key that is given is never passed over."""
        known = visitor_of(connection)
        if known is not None:
            return known
        header = connection.headers.get("authorization")
        cookie = connection.cookies.get(SESSION_COOKIE)
        if header is not None:
            visitor = await sync_to_thread(self.by_key, header)
        elif cookie:
            visitor = await sync_to_thread(self.by_session, cookie)
        else:
            visitor = None
        if visitor is not None:
            remember_visitor(connection.scope, visitor)
        return visitor

    def by_key(self, header: str) -> Visitor | None:
        """Give the visitor of an `Authorization` header."""
        if not header.lower().startswith(_BEARER):
            return None
        text = header[len(_BEARER) :].strip()
        grant = authenticate_key(self._sessions, text=text, pepper=self._secret, clock=self._clock)
        return None if grant is None else self._visitor(grant.actor, Door.KEY)

    def by_session(self, token: str) -> Visitor | None:
        """Give the visitor of a session cookie."""
        with self._sessions.read() as session:
            actor = actor_for_session(session, token, self._clock)
        return None if actor is None else self._visitor(actor, Door.SESSION)

    def sign_in(self, login: str, password: str) -> str:
        """Open a session for a person and give its token.

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
        with self._sessions.begin() as session:
            return open_session(session, user_id=actor.id, clock=self._clock, lifetime=SESSION_LIFETIME)

    def sign_out(self, token: str) -> None:
        """End a session."""
        with self._sessions.begin() as session:
            end_session(session, token)

    def _visitor(self, actor: Actor, door: Door) -> Visitor:
        with self._sessions.read() as session:
            standing = standing_of(session, actor.organization_id, self._clock)
        return Visitor(
            actor=actor,
            organization_name=standing.name,
            business_date=standing.business_date,
            is_sample=standing.is_sample,
            door=door,
        )


def keep_doors(state: Any, doors: Doors) -> None:
    """Keep the doors with the application."""
    state[_DOORS] = doors


def doors_of(connection: Connection) -> Doors:
    """Give the application's doors."""
    return cast("Doors", connection.app.state[_DOORS])
