"""The application: every package's routes behind one policy, one shape of error, one set of headers."""

import warnings
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.enums import MediaType
from litestar.exceptions import LitestarDeprecationWarning
from litestar.handlers import HTTPRouteHandler
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Response
from litestar.routes import HTTPRoute
from litestar.status_codes import HTTP_204_NO_CONTENT
from litestar.template.config import TemplateConfig
from litestar.types import ControllerRouterHandler, Message, Scope

from carbonfin.app import health, home, openapi, problem_pages, report_manifests, session_pages, static_files
from carbonfin.app.access import allows
from carbonfin.app.administration import external_ids
from carbonfin.app.administration import home as administration_home
from carbonfin.app.administration import keys as administration_keys
from carbonfin.app.administration import parameters as administration_parameters
from carbonfin.app.administration import people as administration_people
from carbonfin.app.administration import security as administration_security
from carbonfin.app.answers import EXCEPTION_HANDLERS
from carbonfin.app.approvals import api as approval_api
from carbonfin.app.approvals import pages as approval_pages
from carbonfin.app.audit import api as audit_api
from carbonfin.app.audit import pages as audit_pages
from carbonfin.app.decisions import api as decision_api
from carbonfin.app.decisions import chain_pages
from carbonfin.app.decisions import pages as decision_pages
from carbonfin.app.doors import Doors, keep_doors
from carbonfin.app.files import api as file_api
from carbonfin.app.files import pages as file_pages
from carbonfin.app.files.scanner import keep_scanner
from carbonfin.app.guards import guard_by_policy
from carbonfin.app.identity import account_pages, second_factor_pages, single_sign_on_pages, token_api
from carbonfin.app.identity.single_sign_on import SingleSignOn, keep_single_sign_on
from carbonfin.app.jobs import api as job_api
from carbonfin.app.jobs import pages as job_pages
from carbonfin.app.limits import Limits, keep_limits
from carbonfin.app.logs import request_logged
from carbonfin.app.messages import api as message_api
from carbonfin.app.messages import pages as message_pages
from carbonfin.app.messages.rules import WebhookRules, keep_webhook_rules
from carbonfin.app.metrics import Metrics, keep_metrics
from carbonfin.app.metrics import routes as metric_routes
from carbonfin.app.navigation import navigation
from carbonfin.app.obligations import PositionObligations
from carbonfin.app.packages import PACKAGES, Package
from carbonfin.app.parties import api as party_api
from carbonfin.app.parties import pages as party_pages
from carbonfin.app.proxies import keep_trusted_proxies
from carbonfin.app.rulebook import api as rule_api
from carbonfin.app.rulebook import draft_pages as rule_draft_pages
from carbonfin.app.rulebook import pages as rule_pages
from carbonfin.app.rulebook import parameter_api, parameter_history, parameter_pages, table_api
from carbonfin.app.settings import Settings
from carbonfin.app.signing import keep_signing
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock, SystemClock
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.web.addresses import keep_public_address, keep_verification_address
from carbonfin.web.connections import JsonRequest, WebRequest, learn_bodies
from carbonfin.web.deprecation import announce_deprecation
from carbonfin.web.pages import TEMPLATE_FOLDER, keep_templates, template_environment
from carbonfin.web.paging import LIMIT_DEFAULT, After, Limit, Paging
from carbonfin.web.problems import EdgeProblem
from carbonfin.web.security import (
    REQUEST_ID_HEADER,
    SECURITY_HEADERS,
    TRANSPORT_SECURITY,
    Seals,
    keep_seals,
    request_id_of,
)
from carbonfin.web.visitors import visitor_of
from loans.feeds.providers.http import HttpAccountProviders
from loans.feeds.providers.port import AccountProviders
from pricing.service import ObligationSource

BODY_BYTES_MAX = 10 * 1024 * 1024


def create_app(
    settings: Settings,
    sessions: Sessions | None = None,
    clock: Clock | None = None,
    *,
    packages: Sequence[Package] = PACKAGES,
) -> Litestar:
    """Assemble the application.

    Args:
        settings: Database, secret and cookies.
        sessions: An opened database, where a test brings one.
        clock: Left out, the machine's.
        packages: Whose routes to open; a test of the application's own manners needs none.
    """
    sessions = sessions or Sessions(open_engine(settings.database_url))
    clock = clock or SystemClock()
    metrics = Metrics(sessions, settings.metrics_token, clock)
    environment = template_environment(template_folders())
    state = _state(settings, sessions, clock, metrics)
    keep_templates(state, environment, navigation=navigation(), allows=allows)
    HTTPRoute.create_options_handler = _options_handler  # type: ignore[method-assign,assignment]  # litestar #4169

    with warnings.catch_warnings():
        # Routes name their dependencies plainly, as every package does; the framework's next release wants markers.
        warnings.simplefilter("ignore", LitestarDeprecationWarning)
        app = Litestar(
            route_handlers=[
                Router(path="/", route_handlers=page_routes(packages), include_in_schema=False),
                # In one router too: a second handler added later to a path would register the first one twice, and its
                # thread wrapper around itself (a POST beside a GET would answer 500).
                Router(path="/", route_handlers=api_routes(packages)),
            ],
            guards=[guard_by_policy],
            request_class=JsonRequest,
            dependencies=_dependencies(settings, sessions, clock),
            exception_handlers=EXCEPTION_HANDLERS,
            before_send=[
                _headers_finished(over_tls=settings.secure_cookies),
                request_logged,
                metrics.observe,
                Limits.announce,
                announce_deprecation,
            ],
            openapi_config=openapi.openapi_config(),
            template_config=TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment)),
            request_max_body_size=BODY_BYTES_MAX,
            state=state,
            logging_config=None,
        )
    learn_bodies(app)
    return app


def _dependencies(settings: Settings, sessions: Sessions, clock: Clock) -> dict[str, Provide]:
    """Give what routes ask for by name.

    Each names the one before it, though it needs nothing of it: what stands side by side the framework resolves in
    tasks of their own, which costs more than the rest of the framework's work on a request.
    """

    def provide_clock() -> Clock:
        return clock

    def provide_sessions(request: WebRequest, clock: Clock) -> Sessions:  # noqa: ARG001 - see above
        visitor = visitor_of(request)
        return sessions if visitor is None else sessions.within(visitor.actor)

    def provide_actor(request: WebRequest, sessions: Sessions) -> dict[str, Any]:  # noqa: ARG001 - see above
        return _actor_fields(request)

    def provide_paging(
        request: WebRequest,
        actor: Actor,  # noqa: ARG001 - see above
        limit: Limit = LIMIT_DEFAULT,
        after: After = None,
    ) -> Paging:
        return Paging(request, settings.keys, limit=limit, after=after)

    def provide_obligation_source(actor: Actor) -> ObligationSource:  # noqa: ARG001 - see above
        return PositionObligations()

    account_providers = HttpAccountProviders(settings.account_providers)

    def provide_account_providers(actor: Actor) -> AccountProviders:  # noqa: ARG001 - see above
        return account_providers

    return {
        "clock": Provide(provide_clock, sync_to_thread=False),
        "sessions": Provide(provide_sessions, sync_to_thread=False),
        "actor": Provide(provide_actor, sync_to_thread=False),
        "paging": Provide(provide_paging, sync_to_thread=False),
        "obligation_source": Provide(provide_obligation_source, sync_to_thread=False),
        "account_providers": Provide(provide_account_providers, sync_to_thread=False),
    }


def _state(settings: Settings, sessions: Sessions, clock: Clock, metrics: Metrics) -> State:
    """Make what lives as long as the application: seals, measures and the ways in."""
    state = State()
    keep_seals(state, Seals(secret=settings.secret, secure_cookies=settings.secure_cookies))
    keep_metrics(state, metrics)
    keep_public_address(state, settings.public_url)
    keep_verification_address(state, settings.verification_address)
    keep_trusted_proxies(state, settings.trusted_proxies)
    keep_limits(state, Limits(settings.rate_limit), strangers=Limits(settings.verification_limit))
    keep_webhook_rules(state, WebhookRules(keys=settings.keys, networks=settings.webhook_networks))
    keep_signing(state, settings.signing)
    keep_doors(state, Doors(sessions, clock, settings.keys, settings.second_factor, settings.known_passwords))
    keep_scanner(state, settings.virus_scanner)
    single_sign_on = SingleSignOn(settings.identity_providers, settings.keys, clock, public_url=settings.public_url)
    keep_single_sign_on(state, single_sign_on)
    return state


def page_routes(packages: Sequence[Package]) -> Sequence[ControllerRouterHandler]:
    """Give the pages of the application itself and of packages."""
    own: list[ControllerRouterHandler] = []
    for module in (
        static_files,
        health,
        session_pages,
        home,
        problem_pages,
        openapi,
        decision_pages,
        chain_pages,
        account_pages,
        second_factor_pages,
        single_sign_on_pages,
        administration_home,
        administration_people,
        administration_keys,
        administration_security,
        administration_parameters,
        external_ids,
        party_pages,
        approval_pages,
        message_pages,
        file_pages,
        rule_pages,
        rule_draft_pages,
        audit_pages,
        parameter_pages,
        job_pages,
    ):
        own += module.routes
    own += [*metric_routes, *report_manifests.routes]
    for package in packages:
        own += package.pages
    return own


def api_routes(packages: Sequence[Package]) -> Sequence[ControllerRouterHandler]:
    """Give the API of the application itself and of packages."""
    return [
        *token_api.routes,
        *decision_api.routes,
        *approval_api.routes,
        *message_api.routes,
        *file_api.routes,
        *job_api.routes,
        *external_ids.api_routes,
        *party_api.routes,
        *rule_api.routes,
        *table_api.routes,
        *parameter_api.routes,
        *parameter_history.routes,
        *audit_api.routes,
        *report_manifests.api_routes,
        *(route for package in packages for route in package.api),
    ]


def template_folders() -> list[Path]:
    """Give the template folders of all packages."""
    return [TEMPLATE_FOLDER, Path(__file__).parent / "templates", *(package.templates for package in PACKAGES)]


def _actor_fields(request: WebRequest) -> dict[str, Any]:
    """Give the fields of the actor; the framework makes the `Actor` that the route asks for."""
    visitor = visitor_of(request)
    if visitor is None:
        raise EdgeProblem("not-authenticated", "no credentials came with the request", zh="请求未带任何凭证")
    actor = visitor.actor
    return {name: getattr(actor, name) for name in actor.__slots__}


def _headers_finished(*, over_tls: bool) -> Callable[[Message, Scope], Awaitable[None]]:
    """Give what puts on every answer the headers of safety; behind TLS also that it is never left."""
    texts = SECURITY_HEADERS | ({"Strict-Transport-Security": TRANSPORT_SECURITY} if over_tls else {})
    always = [(name.lower().encode(), value.encode("latin-1")) for name, value in texts.items()]
    always.append((b"cache-control", b"private, no-store"))
    request_id_header = REQUEST_ID_HEADER.lower().encode()

    async def finish(message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        headers = list(message.get("headers", ()))
        given = {name.lower() for name, _ in headers}
        # What is handed out to keep names a narrower policy of its own.
        headers += [header for header in always if header[0] not in given]
        headers.append((request_id_header, request_id_of(scope).encode("latin-1")))
        message["headers"] = headers

    return finish


def _options_handler(_: HTTPRoute, path: str) -> HTTPRouteHandler:
    """Answer OPTIONS with the methods of every handler of a path, not of the first alone."""

    def options_handler(request: WebRequest) -> Response[None]:
        template = request.scope["path_template"]
        allowed = {
            str(method)
            for route in request.app.routes
            if isinstance(route, HTTPRoute) and route.path_format == template
            for method in route.methods
        }
        return Response(
            None,
            status_code=HTTP_204_NO_CONTENT,
            headers={"Allow": ", ".join(sorted(allowed))},
            media_type=MediaType.TEXT,
        )

    return HTTPRouteHandler(path=path, http_method=["OPTIONS"], include_in_schema=False, sync_to_thread=False)(
        options_handler
    )
