"""Two banks with the same demonstration each, one bureau over both, the platform's operator, and everyone's people."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import sqlalchemy as sa

from carbonfin.app.demo import people
from carbonfin.app.demo.run import Demo, DemoOutcome
from carbonfin.app.demo.world import SampleWorld
from carbonfin.app.settings import Settings, settings_from
from carbonfin.app.tables import all_tables
from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.rules.record import canonical
from carbonfin.storage import columns
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.isolation import RULES, Holding
from carbonfin.storage.parties import OrganizationDraft, add_person, issue_key, open_session, save_organization
from collateral.calc.haircut_policies import policy_payload
from collateral.schemas.haircuts import HaircutPolicyIn
from loans.calc.linked.documents import ComplianceCertificate
from loans.calc.servicing.notices import LoanNotice, NoticeKind
from loans.store.facilities import payload_of
from loans.store.green import payload_of_green
from loans.store.links import payload_of_link
from pricing.service import record_valuation
from reporting.calc.outcomes import OutcomeDetails
from tests.collateral.haircut_stacks import POLICY_BODY
from tests.journeys.worlds import CLOCK
from tests.loans.facility_samples import contract_of, line_of
from tests.loans.green_samples import sample_terms
from tests.loans.link_worlds import change_of

SECOND = "second-"
PLATFORM_NAME = "平台运营方(示例)"
_UNUSABLE_HASH = "!"
BANK_ROLES = (Role.OFFICER, Role.CHECKER, Role.RISK, Role.AUDITOR, Role.ADMINISTRATOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """One organisation with a way in for each of its roles: an API key for systems, a session for people."""

    organization_id: str
    ways: Mapping[Role, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoBanks:
    """The whole world."""

    settings: Settings
    first: House
    second: House
    bureau: House
    platform: House
    outcomes: tuple[DemoOutcome, DemoOutcome]


class SecondDemo(Demo):
    """The demonstration of another bank: the same business under its own name, its people under other logins."""

    def __init__(self, settings: Settings, *, var_folder: Path) -> None:
        super().__init__(settings, clock=CLOCK, var_folder=var_folder, on_step=lambda _: None)
        self._world = _other_bank(self._world)

    def _make_world(self) -> Any:
        make = people.make_people

        def by_plain_login(*arguments: Any, **named: Any) -> dict[str, Actor]:
            made = make(*arguments, **named)
            own = {login.removeprefix(SECOND): actor for login, actor in made.items() if login.startswith(SECOND)}
            return {**made, **own}

        with patch.object(people, "make_people", by_plain_login):
            return super()._make_world()


def _other_bank(world: SampleWorld) -> SampleWorld:
    return msgspec.structs.replace(
        world,
        bank=msgspec.structs.replace(world.bank, name="第二示例银行股份有限公司", usci=None),
        person=tuple(
            person if person.organization != "bank" else msgspec.structs.replace(person, login=SECOND + person.login)
            for person in world.person
        ),
    )


def make_two_banks(url: str, folder: Path) -> TwoBanks:
    """Run both demonstrations over an empty database and open a way in for every role."""
    (folder / "second").mkdir(parents=True)
    settings = settings_from({"CARBONFIN_VAR": str(folder), "CARBONFIN_DATABASE_URL": url})
    first = _run(Demo(settings, clock=CLOCK, var_folder=folder, on_step=lambda _: None))
    second = _run(SecondDemo(settings, var_folder=folder / "second"))
    engine = open_engine(url)
    sessions = Sessions(engine).as_operator()
    with sessions.begin() as session:
        platform = save_organization(
            session,
            OrganizationDraft(kind=OrganizationKind.PLATFORM, name=PLATFORM_NAME, usci=None,
                              business_date=date(2025, 6, 30), is_sample=True),
        )  # fmt: skip
        for outcome in (first, second):  # a second time: the change since the first is something to be asked for
            record = outcome.valuation.record
            assert record.portfolio_id is not None
            record_valuation(
                session, outcome.maker, record.portfolio_id,
                valuation_date=record.valuation_date, known_at=record.known_at,
            )  # fmt: skip
    world = TwoBanks(
        settings=settings,
        first=_house(sessions, settings, first.maker.organization_id, BANK_ROLES, has_system=True),
        second=_house(sessions, settings, second.maker.organization_id, BANK_ROLES, has_system=True),
        bureau=_house(sessions, settings, first.bureau.organization_id, (Role.BUREAU,)),
        platform=_house(sessions, settings, platform.id, (Role.OPERATOR,)),
        outcomes=(first, second),
    )
    engine.dispose()
    return world


def _run(demo: Demo) -> DemoOutcome:
    try:
        return demo.run()
    finally:
        demo.sessions.engine.dispose()


def _house(
    sessions: Sessions, settings: Settings, organization_id: str, roles: tuple[Role, ...], *, has_system: bool = False
) -> House:
    ways: dict[Role, Mapping[str, str]] = {}
    with sessions.begin() as session:
        for role in roles:
            person = add_person(
                session, organization_id=organization_id, login=f"{role.value}-{organization_id[:8]}", name=role.value,
                role=role, password_hash=_UNUSABLE_HASH,
            )  # fmt: skip
            token = open_session(session, user_id=person.id, clock=CLOCK, lifetime=timedelta(hours=10))
            ways[role] = {"Cookie": f"carbonfin_session={token}"}
        if has_system:
            issued = issue_key(
                session, organization_id=organization_id, name="walker", role=Role.SYSTEM, scopes=("*",),
                expires_at=CLOCK.now() + timedelta(days=1), pepper=settings.secret,
            )  # fmt: skip
            ways[Role.SYSTEM] = {"Authorization": f"Bearer {issued.text}"}
    return House(organization_id=organization_id, ways=ways)


LOAN_NOTICE = LoanNotice(
    kind=NoticeKind.PAYMENT, note_code="JJ-P0", due_start=date(2025, 6, 30), due_on=date(2025, 6, 30),
    is_provisional=False, made_on=date(2025, 6, 30), interest_cny=Decimal("1.00"), principal_cny=Decimal("0.00"),
    penalty_cny=Decimal("0.00"), rate=Decimal("0.03"), outstanding_cny=Decimal("1.00"), late_days=0,
)  # fmt: skip
_FILLING: Mapping[str, Mapping[str, Any]] = {
    "credit_line": {"terms": payload_of(line_of("00000000-0000-4000-8000-000000000000"))},
    "loan_contract": {"terms": payload_of(contract_of())},
    "sustainability_link": {"event": "sign", "state": "active", "terms": payload_of_link(change_of().terms)},
    "link_document": {
        "kind": "compliance-certificate",
        "content": canonical(
            ComplianceCertificate(
                version=1,
                signed_by="财务总监",
                certificate_date=date(2025, 6, 30),
                received_date=date(2025, 6, 30),
                evidence_digest="0" * 64,
            )
        ),
    },
    "link_observation": {"status": "met"},
    "green_recognition": {"event": "recognise", "terms": payload_of_green(sample_terms())},
    "loan_concession_stop": {"turn": "stopped", "stops": []},
    "approval": {"state": "proposed"},
    "authority_act": {"kind": "freeze"},
    "custody_statement": {"side": "bank"},
    "enforcement": {"state": "OPEN"},
    "evidence_file": {"content": b"x"},
    "haircut_policy": {
        "code": POLICY_BODY["code"],
        "policy": policy_payload(msgspec.convert(POLICY_BODY, HaircutPolicyIn).policy()),
    },
    "inbox_item": {"role": "officer"},
    "margin_terms": {"agreement_kind": "pledge"},
    "loan_notice": {"content": canonical(LOAN_NOTICE)},
    "note_segment": {"start": date(2025, 1, 21)},
    "subsidy_outcome": {
        "details": canonical(
            OutcomeDetails(reporting_body="示例环境局", scheme_title="示例", reason_zh="", reason_en="")
        )
    },
    "subsidy_outcome_step": {"name": "pay"},
    "subsidy_review_step": {"name": "refuse", "details": {}},
    "pledge_approval": {"finding": "approved"},
    "pledge_change": {"kind": "top_up"},
    "pledge_change_unit": {"side": "added"},
}
"""Columns whose values the database checks, in tables the demonstration leaves empty."""


def fill_every_table(url: str, organization_ids: tuple[str, ...]) -> None:
    """Put at least one row of each organisation into every table that names it; made-up ones where none is there."""
    engine = open_engine(url)
    with engine.begin() as connection:
        for table in all_tables().sorted_tables:
            if table.name not in RULES or "organization_id" not in table.c:
                continue
            for organization_id in organization_ids:
                own = sa.select(sa.func.count()).select_from(table).where(table.c.organization_id == organization_id)
                if connection.execute(own).scalar_one() == 0:
                    connection.execute(table.insert(), _made_up_row(connection, table, organization_id))
    engine.dispose()


def _made_up_row(connection: sa.Connection, table: sa.Table, organization_id: str) -> dict[str, Any]:
    """Give a row of an organisation; what it points to is taken from the organisation's own rows."""
    row: dict[str, Any] = {"organization_id": organization_id}
    pointed_at: Counter[str] = Counter()
    for constraint in table.foreign_key_constraints:
        parent = constraint.referred_table
        if parent.name == "organization":
            row |= dict.fromkeys(constraint.column_keys, organization_id)
            continue
        own = parent.c.organization_id == organization_id
        rows = connection.execute(sa.select(parent).where(own).order_by(*parent.primary_key)).mappings().all()
        # Whoever points at a second row of a table means another: maker and checker are two people.
        found = rows[min(pointed_at[parent.name], len(rows) - 1)]
        pointed_at[parent.name] += 1
        row |= {element.parent.name: found[element.column.name] for element in constraint.elements}
    for column in table.c:
        if column.name not in row and not column.nullable:
            row[column.name] = _made_up_value(column, organization_id)
    return row | dict(_FILLING.get(table.name, {}))


def _made_up_value(column: sa.Column[Any], organization_id: str) -> Any:
    by_type: tuple[tuple[type[Any], Callable[[], Any]], ...] = (
        (columns.ExactDecimal, lambda: 1),
        (columns.Whole, lambda: 1),
        (columns.Flag, lambda: False),
        (columns.Instant, CLOCK.now),
        (columns.Day, lambda: date(2025, 6, 30)),
        (columns.Json, lambda: json.loads("[]")),
        (columns.Content, lambda: b"x"),
    )
    for kind, make in by_type:
        if isinstance(column.type, kind):
            return make()
    if isinstance(column.type, columns.Code):
        return next(iter(column.type.members))
    return f"{column.name}-{organization_id[:8]}"


def rows_of(connection: sa.Connection, table_name: str) -> int:
    """Count the rows of a table that the connection sees."""
    return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table_name}").scalar_one())  # noqa: S608 - own names


def names_its_organization(table_name: str) -> bool:
    """Whether a table's rows name their organisation."""
    return RULES[table_name].holding in {Holding.OWN, Holding.OWN_OR_PUBLIC}
