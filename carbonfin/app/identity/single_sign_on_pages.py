"""Signing in through an organisation's own provider, and proving oneself there again for a binding step."""

from typing import Annotated, Any

from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Response

from carbonfin.app.doors import doors_of
from carbonfin.app.identity.single_sign_on import FLOW_SECONDS, single_sign_on_of
from carbonfin.kernel.errors import NotPermitted
from carbonfin.web.addresses import own_address
from carbonfin.web.connections import WebRequest
from carbonfin.web.security import SESSION_COOKIE, SIGN_ON_COOKIE, cookie_of, seals_of


@get("/sign-in/with/{provider:str}", sync_to_thread=True)
def depart(
    request: WebRequest,
    provider: FromPath[str],
    next_address: Annotated[str, QueryParameter(name="next", max_length=2000)] = "/",
    again: Annotated[str, QueryParameter(max_length=3)] = "",
) -> Response[Any]:
    """Send the browser to the provider, with a sealed note of what was asked."""
    departure = single_sign_on_of(request).depart(
        provider, next_address=own_address(next_address), confirming=again == "yes"
    )
    answer = Redirect(departure.address, status_code=303)
    answer.set_cookie(seals_of(request).cookie(SIGN_ON_COOKIE, departure.note, max_age=FLOW_SECONDS))
    return answer


@get("/sign-in/with/{provider:str}/answer", sync_to_thread=True)
def arrive(
    *,
    request: WebRequest,
    provider: FromPath[str],
    code: Annotated[str, QueryParameter(max_length=4000)] = "",
    given_state: Annotated[str, QueryParameter(name="state", max_length=200)] = "",
    error: Annotated[str, QueryParameter(max_length=200)] = "",
) -> Response[Any]:
    """Take the provider's answer: open a session, or confirm the one that is open."""
    if error or not code:
        raise NotPermitted(
            "single sign-on failed: the provider refused",
            zh="单点登录未成功：身份源拒绝了登录",
            field="provider",
            remedy="Begin again from the sign-in page.",
            remedy_zh="请从登录页重新开始。",
        )
    seals = seals_of(request)
    vouched = single_sign_on_of(request).arrive(
        provider, note=cookie_of(request, SIGN_ON_COOKIE), state=given_state, code=code
    )
    doors = doors_of(request)
    # The browser was sent here by another site, so a page of ours goes on from a fresh request of its own.
    answer = Redirect(vouched.next_address, status_code=303)
    answer.set_cookie(seals.ended_cookie(SIGN_ON_COOKIE))
    if vouched.was_asked_again:
        doors.confirm_by_provider(cookie_of(request, SESSION_COOKIE), vouched)
    else:
        token = doors.sign_in_by_provider(
            vouched,
            device=request.headers.get("user-agent", ""),
            replaces=cookie_of(request, SESSION_COOKIE),
        )
        answer.set_cookie(seals.cookie(SESSION_COOKIE, token))
    return answer


routes = [depart, arrive]
