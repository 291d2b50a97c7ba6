"""Ask a provider for an enterprise's lines, from its account's page; what came stands there afterwards."""

from enum import StrEnum
from typing import Annotated, TypeVar

from litestar import post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Template

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from loans import service
from loans.calc.account_pulls import DataProvider
from loans.calc.consents import ConsentPurpose
from loans.feeds.providers.port import AccountProviders
from loans.pages.accounts import PullForm, show_account

E = TypeVar("E", bound=StrEnum)


@post("/enterprises/{party_id:str}/account/pulls", sync_to_thread=True, status_code=303)
def send_pull(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    account_providers: AccountProviders,
    party_id: FromPath[str],
    data: Annotated[PullForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Template | Redirect:
    """Ask the provider, keep the good lines, and show the account with what came."""
    try:
        with sessions.read() as session:
            asked = service.plan_pull(
                session,
                actor,
                party_id,
                provider=_chosen(DataProvider, data.provider, "provider"),
                purpose=_chosen(ConsentPurpose, data.pull_purpose, "pull_purpose"),
                from_year=_year(data.from_year, "from_year"),
                to_year=_year(data.to_year, "to_year"),
                standing=standing_of(session, actor.organization_id, clock),
            )
        fetched = account_providers.fetch(asked)
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            service.keep_pull(session, actor, party_id, asked, fetched, standing=standing)
    except CarbonFinError as error:
        with sessions.read() as session:
            standing = standing_of(session, actor.organization_id, clock)
            return show_account(request, session, actor, standing, party_id, refused=error, typed_pull=data)
    return Redirect(f"/enterprises/{party_id}/account#pulls", status_code=303)


def _chosen(kind: type[E], text: str, field: str) -> E:
    if text not in set(kind):
        raise InvalidInput(f"{text!r} is no {field}", zh=f"不认识的选项“{text}”", field=field)
    return kind(text)


def _year(text: str, field: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) == 4):
        raise InvalidInput(f"{text!r} is no year", zh=f"“{text}”不是年度", field=field, remedy_zh="请填写如 2024。")
    return int(text)


routes = [send_pull]
