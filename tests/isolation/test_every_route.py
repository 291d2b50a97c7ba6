"""Every route as every role, with the own identifiers and those of another bank: what is shown, refused and unchanged."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app import factory
from carbonfin.app.factory import create_app
from carbonfin.app.policy import POLICY, PUBLIC
from carbonfin.app.tables import all_tables
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.files import EvidenceKind, LinkDraft, check_file, link_file, store_file
from carbonfin.storage.isolation import RULES
from carbonfin.storage.messages import InboxNotice, WebhookDraft, lay_out, publish, register_webhook, tell
from carbonfin.storage.parties import add_external_id, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.security import Seals
from collateral.service import ChangeDraft, ChangeKind, UnitQuantity, pledge_by_code, propose_change
from loans import service as lending
from loans.service import RateRequest
from pricing import service
from pricing.feeds.curve_files import CurveFileKind
from tests.database_roles import database_with_roles
from tests.isolation.worlds import House, TwoBanks, make_two_banks, names_its_organization
from tests.journeys.test_openapi_fuzz import SOUND
from tests.journeys.worlds import CLOCK, contents_of, opened
from tests.loans.cut_samples import claim_sample_cut
from tests.loans.facility_samples import sign_sample_contract
from tests.loans.green_samples import enter_sample_catalogue
from tests.loans.link_worlds import sign_sample_link

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_LATEST_VALUATIONS = (
    "valuation JOIN (SELECT portfolio_id AS book, max(number) AS latest FROM valuation GROUP BY portfolio_id) AS last"
    " ON portfolio_id = book AND number = latest"
)
_CUT_CLAIMS = (
    "decision JOIN (SELECT id AS claim FROM decision WHERE kind = 'loans.cut_claim') AS claimed ON claim = decision.id"
)
_IDENTIFIERS: Mapping[str, tuple[str, str]] = {
    "session_id": ("web_session", "id"), "approval_id": ("approval", "id"),
    "proposal_id": ("decision_table", "approval_id"), "digest": ("evidence_file", "digest"),
    "link_id": ("file_link", "id"), "decision_id": ("decision", "id"), "job_id": ("job_request", "id"),
    "valuation_id": (_LATEST_VALUATIONS, "id"), "portfolio_id": ("portfolio", "id"),
    "line_id": ("portfolio_line JOIN portfolio ON portfolio.id = portfolio_id", "line_id"),
    "pledge_id": ("pledge_change", "pledge_id"), "change_id": ("pledge_change", "id"),
    "repo_id": ("repo", "id"), "party_id": ("party", "id"), "number": ("term_sheet", "number"),
    "application_id": ("subsidy_application", "id"), "report_id": ("subsidy_report", "id"),
    "webhook_id": ("webhook", "id"), "delivery_id": ("webhook_delivery", "id"), "item_id": ("inbox_item", "id"),
    "key_id": ("api_key", "id"), "person_id": ("user_account", "id"), "organization_id": ("organization", "id"),
    "call_id": ("margin_call", "id"), "agreement_code": ("pledge", "code"), "code": ("haircut_policy", "code"),
    "message_id": ("outbox_message", "id"), "external_id": ("external_id", "id"), "table_name": ("decision_table", "name"),
    "line_number": ("credit_line", "number"), "contract_number": ("loan_contract", "number"),
    "note_code": ("loan_note", "code"),
    "claim_id": (_CUT_CLAIMS, "id"), "objection_id": ("rating_objection", "id"), "link_number": ("sustainability_link", "number"), "key": ("parameter", "key"), "batch_id": ("decision_item", "decision_id"), "place": ("decision_item", "place"),
}  # fmt: skip
"""Where an identifier in an address comes from."""
TOP_UP = ChangeDraft(
    kind=ChangeKind.TOP_UP, added=(UnitQuantity(unit=Unit.parse("SZA-2024"), quantity_t=10),), freed=(),
    repayment_cny=Decimal("0.00"), reason="追加",
)  # fmt: skip
_CURVE_FILES: Mapping[CurveFileKind, str] = {
    CurveFileKind.RATES: "利率名称,期限,日期,利率(%)\nSHIBOR,3M,2025-06-30,1.65\n",
    CurveFileKind.SETTLEMENTS: (
        "品种,合约代码,到期日,结算日,结算价,币种\nEUA,EUA-2025-12,2025-12-15,2025-06-30,70,EUR\n"
    ),
    CurveFileKind.VOLATILITIES: "品种,到期日,行权价,日期,波动率(%),币种\nEUA,2025-12-15,70,2025-06-30,38,EUR\n",
}
_ENDING = {
    "ending": "csv",
    "register": "sample",
    "kind": "payment",
    "due_start": "2025-06-30",
    "rate_notice": "reset-1",
}
_NONE = "00000000-0000-4000-8000-000000000000"
"""In place of an identifier where an organisation has no such thing."""
_QUERIES: Mapping[str, Mapping[str, str]] = {
    "GET /v1/forwards/quote": {"unit": "CEA", "valuation_date": "2025-06-30", "delivery_date": "2025-12-15"},
    "GET /v1/market/quality": {"unit": "CEA"},
    "GET /v1/curves": {"kind": "discount", "name": "CNY"},
    "GET /v1/volatility-surfaces": {"name": "EUA"},
    "GET /v1/fair-values": {"unit": "CEA-2024"},
    "GET /v1/volatility-estimates": {"unit": "CCER"},
    "GET /v1/market/quotes": {"unit": "CEA"},
    "GET /v1/ratings/stability": {"year": "2024"},
    "GET /v1/ratings/objections": {"usci": "91440300EXAMPLE466"},
    "GET /v1/subsidies/what-if": {"scheme": "nanshan-2025", "rate": "0.4"},
    "GET /v1/ratings": {"usci": "91440300EXAMPLE466"},
    "GET /v1/ratings/explanations": {"usci": "91440300EXAMPLE466"},
    "GET /market": {"unit": "CEA"},
    "GET /search": {"q": "示例"},
    "GET /v1/rules/parameters/{key:str}/comparison": {"of_scope": "SZA"},
}
_READ_WITHOUT_ANSWER = frozenset(
    {
        "GET /v1/subsidies/applications/{application_id:str}/preview",
        "GET /v1/subsidies/reports/{report_id:str}/difference",
        "GET /v1/subsidies/applications/{application_id:str}/review", "GET /enterprises/{party_id:str}/rating/report.pdf",
        "GET /enterprises/{party_id:str}/rating/letter.pdf", "GET /v1/ratings/explanations",
        "GET /v1/ratings/explanations/{decision_id:str}",
        *(
            f"GET {start}/loan-notes/{{note_code:str}}/notices/{{kind:str}}/{{due_start:str}}/letter.pdf"
            for start in ("", "/v1")
        ),
        *(
            f"GET {start}/loan-notes/{{note_code:str}}/rate-notices/{{rate_notice:str}}/letter.pdf"
            for start in ("", "/v1")
        ),
        *(
            f"GET {start}/{{decision_id:str}}"
            for start in ("/v1/structured-values", "/structures", "/v1/model-values", "/models")
        ),
        "GET /notices/{item_id:str}/pdf",
        "GET /v1/inbox/{item_id:str}/pdf", "GET /v1/rules/tables/{table_name:str}",
        *(
            f"GET {start}/pledges/{{pledge_id:str}}{of_change}/letter.pdf"
            for start in ("", "/v1") for of_change in ("", "/changes/{change_id:str}")
        ),
        *(
            f"GET {start}/pledges/{{pledge_id:str}}/enforcement/{letter}.pdf"
            for start in ("", "/v1") for letter in ("notice", "surplus")
        ),
        "GET /v1/collateral-stresses/{decision_id:str}", "GET /v1/collateral-stresses/{decision_id:str}/pdf",
        "GET /collateral-stresses/{decision_id:str}/pdf", "GET /v1/eligibility-schedules/{code:str}",
        "GET /haircut-policies/{code:str}/reports/{decision_id:str}/pdf",
        "GET /v1/haircut-policies/{code:str}/reports/{decision_id:str}",
        "GET /v1/haircut-policies/{code:str}/reports/{decision_id:str}/pdf",
        "GET /registry/reconciliations/export/{ending:str}"
    }
)  # fmt: skip
"""The sample applications are filed later than the bank's business date: a bank's own is not found yet. A notice is
there for the role it was written to alone. The sample table of rules applies from 2026 on.
The decisions walked are no haircut reports and no stresses; no schedule is in force.
The registry of the two banks was never asked for a statement, and has not let the walked pledge's units go; nor is
that pledge in default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """The application over the two banks, and where its rows are read as they are."""

    app: Litestar
    world: TwoBanks
    superuser: str
    address: str
    seen: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def walk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """Two banks with real things alone: a page has to be able to show each of them."""
    folder = tmp_path_factory.mktemp("walked")
    with ExitStack() as stack:
        address = superuser = f"sqlite:///{folder / 'carbonfin.db'}"
        if request.param == "postgresql":
            addresses = stack.enter_context(database_with_roles(request.getfixturevalue("postgres")))
            address, superuser = addresses.application, addresses.superuser
        world = make_two_banks(address, folder / "var")
        sessions = stack.enter_context(opened(address))
        for outcome in world.outcomes:
            _furnish(sessions, outcome.maker)
        yield Walk(
            app=create_app(_unlimited(world), sessions, CLOCK), world=world, superuser=superuser, address=address
        )


def _furnish(sessions: Sessions, actor: Actor) -> None:
    """Give an organisation one of each thing that the demonstration does not make."""
    at = CLOCK.now()
    file = check_file(f"说明,值\n机构,{actor.organization_id}\n".encode(), name="说明.csv")
    link = LinkDraft(
        subject=f"organization:{actor.organization_id}", kind=next(iter(EvidenceKind)), name=file.name,
        is_personal=False, retain_until=None,
    )  # fmt: skip
    hook = WebhookDraft(name="核心系统", url="https://core.bank.example/hook", kinds=("*",))
    with sessions.within(actor).begin() as session:
        store_file(session, actor, file, at=at)
        link_file(session, actor, file.digest, link, at=at)
        register_webhook(session, actor, hook, at=at)
        called = pledge_by_code(session, actor, "P3")
        assert called is not None
        propose_change(session, actor, called.id, TOP_UP, standing=standing_of(session, actor.organization_id, CLOCK))
        for kind, content in _CURVE_FILES.items():
            service.import_curve_file(
                session, actor, kind=kind, content=content.encode(), file_name="报价.csv", exchange="发布机构",
                document="", known_at=end_of_china_day(date(2025, 6, 30)), preview=False,
            )  # fmt: skip
        lending.decide_rates(
            session, actor, [RateRequest(usci="91440300EXAMPLE466", margin_bp=40)], lpr_tenor="1Y",
            applies_from=date(2025, 7, 1), decided_on=date(2025, 6, 30),
            known_at=end_of_china_day(date(2025, 6, 30)),
        )  # fmt: skip
        sign_sample_contract(session, actor, clock=CLOCK)
        sign_sample_link(session, actor, clock=CLOCK)
        enter_sample_catalogue(session, actor, clock=CLOCK)
        claim_sample_cut(session, actor, clock=CLOCK)
        publish(session, actor, subject="walk", kind="event.walk", payload={})
        lay_out(session, actor.organization_id, at=at)
        add_external_id(session, actor, kind="customer", value="KH-1", subject="loan:JJ-P0", at=at)
        tell(
            session,
            InboxNotice(
                organization_id=actor.organization_id, key="walk", kind="walk", subject="walk", title_zh="通知",
                title_en="Notice", text_zh="通知", text_en="Notice", address="/approvals", role=Role.OFFICER,
            ),
            at,
        )  # fmt: skip


def _unlimited(world: TwoBanks) -> Any:
    """Give the settings without a limit of requests, which a walk of thousands would meet."""
    return replace(world.settings, rate_limit=None) if hasattr(world.settings, "rate_limit") else world.settings


def test_every_route_as_every_role_with_own_and_foreign_identifiers(walk: Walk) -> None:
    """Own: let in where the policy says so. Foreign: not found, nothing of it said, nothing of it changed."""
    world = walk.world
    identifiers = {house.organization_id: _identifiers(walk.superuser, house) for house in _houses(world)}
    # The bureau decides on what banks file: their applications are its own to read.
    identifiers[world.bureau.organization_id]["application_id"] = _column(
        walk.superuser, "subsidy_application", "id", world.second
    )[0]
    before = _contents(walk, world.second)
    for house, other in ((world.first, world.second), (world.bureau, world.second), (world.platform, world.second)):
        foreign = _marks(walk.superuser, other)
        if house is world.bureau:
            foreign -= set(_column(walk.superuser, "subsidy_application", "id", other))
        if house is world.platform:
            foreign -= _open_to_the_platform(walk.superuser, other)
        own_ids, other_ids = identifiers[house.organization_id], identifiers[other.organization_id]
        for role, way in house.ways.items():
            with TestClient(walk.app, raise_server_exceptions=False) as client:
                for entry, roles in POLICY.items():
                    knock = partial(_visit, walk, client, entry, role, way, allowed=role in roles, foreign=foreign)
                    knock(own=True, known=own_ids)
                    if _is_foreign(entry, own_ids, other_ids, is_bureau=house is world.bureau):
                        knock(own=False, known=other_ids)
    walks = ", ".join(f"{count} {name}" for name, count in sorted(walk.seen.items()))
    print(f"{len(POLICY) + len(PUBLIC)} routes: {walks}; {len(walk.wrong)} wrong answers")  # noqa: T201
    assert walk.wrong == [], "\n".join(walk.wrong)
    assert walk.seen["foreign not found"] > 100
    assert _contents(walk, world.second) == before


def test_with_the_policy_and_the_services_asking_for_another_bank_the_rows_stay_away(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every route is open to every role, and every service is told the other bank's name: PostgreSQL alone stands."""
    if walk.address.startswith("sqlite"):
        pytest.skip("SQLite has no row-level security: there the policy alone keeps organisations apart")
    world = walk.world
    other = world.second

    def forged(request: WebRequest) -> dict[str, Any]:
        return {**_true_actor(request), "organization_id": other.organization_id}

    _true_actor = factory._actor_fields
    monkeypatch.setattr(factory, "_actor_fields", forged)
    monkeypatch.setattr("carbonfin.app.guards.roles_for", lambda _method, _template: frozenset(Role))
    shown = Counter[int]()
    foreign_ids: list[str] = []
    known = _identifiers(walk.superuser, other)
    before = contents_of(walk.superuser)
    with opened(walk.address) as sessions:
        app = create_app(_unlimited(world), sessions, CLOCK)
        marks = _marks(walk.superuser, other)
        with TestClient(app, raise_server_exceptions=False) as client:
            for role, way in world.first.ways.items():
                for entry in POLICY:
                    if not entry.startswith("GET "):
                        continue
                    path = _path(entry, known)
                    answer = client.get(
                        path, headers=_headers(entry, way), params=_QUERIES.get(entry), follow_redirects=False
                    )
                    shown[answer.status_code] += 1
                    leaked = (set(_UUID.findall(answer.text)) & marks) - {other.organization_id, *_asked(path)}
                    foreign_ids += [f"{entry} as {role}: {len(leaked)}"] if leaked else []
    print(f"{sum(shown.values())} looks, {dict(shown)}; {len(foreign_ids)} showed a foreign row")  # noqa: T201
    assert foreign_ids == []
    assert contents_of(walk.superuser) == before


def _visit(
    walk: Walk,
    client: TestClient[Litestar],
    entry: str,
    role: Role,
    way: Mapping[str, str],
    *,
    allowed: bool,
    own: bool,
    known: Mapping[str, str],
    foreign: set[str],
) -> None:
    """Knock once, and note an answer that is not the right one."""
    path = _path(entry, known)
    client.cookies.clear()
    answer = _knock(client, walk, entry, path, way, sound=not own)
    verdict = _verdict(entry, answer.status_code, allowed=allowed, own=own, has_none=_NONE in path, text=answer.text)
    leaked = (set(_UUID.findall(answer.text)) & foreign) - set(_asked(path))
    walk.seen[_name(allowed=allowed, own=own)] += 1
    if verdict or leaked:
        said = verdict or f"shows {len(leaked)} foreign identifiers"
        walk.wrong.append(f"{entry} as {role}, {'own' if own else 'foreign'}: {answer.status_code}, {said}")


def _verdict(entry: str, status: int, *, allowed: bool, own: bool, has_none: bool, text: str) -> str:
    """Say what is wrong with an answer; empty where it is right."""
    is_read = entry.startswith("GET ")
    if not allowed:
        return "" if status == 403 else "the policy does not let this role in"
    if not own:
        return "" if status in ({404} if is_read else {400, 403, 404, 415, 422}) else "another bank's thing answers"
    if is_read:
        fine = {200, 202, 303} | ({404} if has_none or entry in _READ_WITHOUT_ANSWER else set())
        return "" if status in fine else f"the own is not shown {text[:200]}"
    return "" if status < 500 and status != 401 else "the own is refused"


def _is_foreign(entry: str, own: Mapping[str, str], other: Mapping[str, str], *, is_bureau: bool) -> bool:
    """Whether an address with the other's identifiers names a thing of the other alone."""
    names = set(_PARAMETER.findall(entry)) - set(_ENDING)
    if not names or (is_bureau and "application_id" in names):
        return False
    # Numbers, unlike identifiers, are each bank's own: both demonstrations count from one.
    return all(other[name] not in {_NONE, own[name]} for name in names)


def _name(*, allowed: bool, own: bool) -> str:
    if not allowed:
        return "role refused"
    return "own" if own else "foreign not found"


def _knock(
    client: TestClient[Litestar], walk: Walk, entry: str, path: str, way: Mapping[str, str], *, sound: bool
) -> Any:
    """Ask; a foreign thing is asked for with a sound body and a true form token, the own with none that does anything."""
    method = entry.split(" ", 1)[0]
    headers = _headers(entry, way)
    if method == "GET":
        return client.get(path, headers=headers, params=_QUERIES.get(entry), follow_redirects=False)
    label = _PARAMETER.sub(lambda found: f"{{{found[1]}}}", entry)
    if " /v1/" in entry:
        headers |= {"Idempotency-Key": "walk-0001", "Content-Type": "application/json", **_form_proof(walk, way)}
        return client.request(
            method, path, headers=headers, content=json.dumps(SOUND.get(label, {})) if sound else "[]"
        )
    if sound:
        headers |= _form_proof(walk, way)
    form = {"reason": "理由", "finding": "approve", "words": "文字", "action": "apply", "password": "x"}
    return client.request(method, path, headers=headers, data=form if sound else {}, follow_redirects=False)


def _headers(entry: str, way: Mapping[str, str]) -> dict[str, str]:
    return dict(way) | ({} if " /v1/" in entry else {"Accept": "text/html"})


def _form_proof(walk: Walk, way: Mapping[str, str]) -> dict[str, str]:
    if "Cookie" not in way:
        return {}
    seals = Seals(secret=walk.world.settings.secret, secure_cookies=False)
    return {"X-CSRF-Token": seals.form_token(way["Cookie"].partition("=")[2])}


def _path(entry: str, known: Mapping[str, str]) -> str:
    return _PARAMETER.sub(lambda found: known[found[1]], entry.split(" ", 1)[1])


def _asked(path: str) -> list[str]:
    """Give the identifiers of an address: an answer may say again what it was asked for."""
    return _UUID.findall(path)


def _houses(world: TwoBanks) -> tuple[House, ...]:
    return (world.first, world.second, world.bureau, world.platform)


def _identifiers(url: str, house: House) -> dict[str, str]:
    """Give one identifier of each kind that belongs to an organisation; a made-up one where it has none."""
    found = dict(_ENDING)
    for name, (table, column) in _IDENTIFIERS.items():
        own = [house.organization_id] if table == "organization" else _column(url, table, column, house)
        if table == "evidence_file":  # the same file kept by two is each one's own
            own = [digest for digest in own if digest not in _files_of_others(url, house)]
        found[name] = own[0] if own else _NONE
    return found


def _files_of_others(url: str, house: House) -> set[str]:
    with _connected(url) as connection:
        query = sa.text("SELECT digest FROM evidence_file WHERE organization_id <> :own")
        return set(connection.execute(query, {"own": house.organization_id}).scalars())


def _marks(url: str, house: House) -> set[str]:
    """Give every identifier that only an organisation's own rows hold."""
    tables = [table.name for table in all_tables().sorted_tables if table.name in RULES and "id" in table.c]
    named = [name for name in tables if names_its_organization(name)]
    return {house.organization_id, *(value for name in named for value in _column(url, name, "id", house) if value)}


def _open_to_the_platform(url: str, house: House) -> set[str]:
    return {house.organization_id, *_column(url, "user_account", "id", house)}


def _column(url: str, table: str, column: str, house: House) -> list[str]:
    with _connected(url) as connection:
        if not sa.inspect(connection).has_table(table.partition(" ")[0]):
            return []
        query = sa.text(f"SELECT {column} FROM {table} WHERE organization_id = :own ORDER BY 1")  # noqa: S608 - own names
        return [str(row[0]) for row in connection.execute(query, {"own": house.organization_id}) if row[0] is not None]


def _contents(walk: Walk, house: House) -> dict[str, list[str]]:
    """Give every row of an organisation, but for what notes that somebody was at the door."""
    left_out = {"web_session", "api_key", "security_event"}
    with _connected(walk.superuser) as connection:
        return {
            name: sorted(
                repr(tuple(row))
                for row in connection.execute(
                    sa.text(f"SELECT * FROM {name} WHERE organization_id = :own"),  # noqa: S608 - own names
                    {"own": house.organization_id},
                )
            )
            for name in sorted(RULES)
            if names_its_organization(name) and name not in left_out
        }


@contextmanager
def _connected(url: str) -> Iterator[sa.Connection]:
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
