"""The scenario editor: the stresses in force, one's moves to change or to begin anew, tried on a book, and proposed."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, QueryParameter
from litestar.response import Redirect, Template

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.wire import day_of
from pricing import service
from pricing.calc.portfolio_risk import STRESS_LABELS, STRESS_SCENARIO, CustomStress
from pricing.pages.scenario_forms import MOVE, OTHERS, read_moves, typed_moves
from pricing.pages.trials import filled

_FIELDS = ("name", "portfolio_id", "valid_from", "document", "note", "reason")
_MOVED = {"rate": Text("利率平移", "rates"), "fx": Text("外币对人民币", "currencies"),
          "volatility": Text("期权波动率", "option volatilities")}  # fmt: skip


@get("/stress-scenarios", sync_to_thread=True)
def scenario_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    name: Annotated[str, QueryParameter(max_length=60)] = "",
) -> Template:
    """Show the stresses in force and the editor, filled with the one named."""
    found, portfolios = _loaded(sessions, actor, clock)
    chosen = found.named(name)
    given = {"name": name, "valid_from": found.valuation_date.isoformat()}
    if chosen is not None:
        value = next(value for value, _ in found.own if value.scope == name)
        given |= {"document": value.document, "note": value.note, **typed_moves(chosen)}
    return _shown(request, found, portfolios, given)


@post("/stress-scenarios", sync_to_thread=True, status_code=200)
def edit_scenario(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Template | Redirect:
    """Try the scenario on a book, which its page of risk shows, or put it before another person."""
    try:
        stress = _moves(data)
        if data.get("action") == "try":
            return Redirect(_trial(data), status_code=303)
        with sessions.begin() as session:
            approval = service.propose_stress_scenario(
                session,
                actor,
                service.ScenarioDraft(
                    name=data.get("name", "").strip(),
                    stress=stress,
                    valid_from=day_of(data.get("valid_from", ""), field="valid_from"),
                    document=data.get("document", "").strip(),
                    note=data.get("note", "").strip(),
                ),
                reason=data.get("reason", "").strip(),
                at=clock.now(),
            )
    except CarbonFinError as failure:
        return _shown(request, *_loaded(sessions, actor, clock), data, failure=failure)
    return Redirect(f"/approvals/{approval.id}", status_code=303)


def _loaded(
    sessions: Sessions, actor: Actor, clock: Clock
) -> tuple[service.StressScenarios, tuple[service.Portfolio, ...]]:
    """Give the stresses in force on the business date, and the books one can be tried on."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        found = service.stress_scenarios(
            session, actor, valuation_date=standing.business_date, known_at=standing.known_at
        )
        return found, service.list_portfolios(session, actor)


def _moves(form: Mapping[str, str]) -> CustomStress:
    stress = read_moves(form)
    if stress is None:
        raise InvalidInput(
            "nothing moves", zh="没有填写任何变动", field="rate_move",
            remedy="Fill in one move at least.", remedy_zh="请至少填写一项变动。",
        )  # fmt: skip
    return stress


def _trial(form: Mapping[str, str]) -> str:
    """Give the address that measures a book under the scenario; nothing is kept by it."""
    book = form.get("portfolio_id", "")
    if not book:
        raise InvalidInput(
            "no portfolio is chosen", zh="请选择试算的组合", field="portfolio_id",
            remedy="Choose the book to try it on.", remedy_zh="请选择一个已存组合。",
        )  # fmt: skip
    moves = {name: text for name, text in form.items() if name.startswith(MOVE) or name in OTHERS}
    return f"/portfolios/{book}/risk?" + urlencode({name: text for name, text in sorted(moves.items()) if text.strip()})


def _shown(
    request: WebRequest,
    found: service.StressScenarios,
    portfolios: Any,
    given: Mapping[str, str],
    *,
    failure: CarbonFinError | None = None,
) -> Template:
    schemes = tuple(scheme.value for scheme in Scheme)
    fields = (*_FIELDS, *OTHERS, *(f"{MOVE}{scheme}" for scheme in schemes))
    return page(
        request,
        "pricing/stress_scenarios.html",
        title=Text("压力情景库", "Stress scenarios"),
        found=found,
        own=[(value, service.moves_of(stress)) for value, stress in found.own],
        kinds={kind.value: Text(*labels) for kind, labels in STRESS_LABELS.items()},
        moved=_MOVED,
        schemes=schemes,
        scenario_key=STRESS_SCENARIO,
        books=[("", Text("请选择", "Choose")), *((one.id, f"{one.code} {one.name}") for one in portfolios)],
        **filled(given, failure, names=fields),
    )
