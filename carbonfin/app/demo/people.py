"""The sample bank and bureau with their people, key, parameters and parties."""

from datetime import UTC, date, datetime
from pathlib import Path

from sqlmodel import Session

from carbonfin.app.demo.world import SampleParameter, SampleWorld
from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.parties import Party, PartyKind
from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.storage.parties import (
    OrganizationDraft,
    PartyDraft,
    actor_of,
    add_person,
    hash_password,
    issue_key,
    people_of,
    save_organization,
    save_party,
)
from carbonfin.storage.rulebook import enter_parameter
from pricing.service import sample_parameters

SAMPLE_PASSWORD = "carbonfin-demo-2025"  # noqa: S105 - of fictitious people in a sample organisation, printed by the run
KEY_FILE = "demo-api-key"
_KEY_ENDS_AT = datetime(2030, 1, 1, tzinfo=UTC)
_PARAMETERS_FROM = date(2024, 1, 1)


def make_people(session: Session, world: SampleWorld, *, starts_on: date) -> dict[str, Actor]:
    """Add the sample bank, the bureau, the platform and their people; those already there stay as they are.

    Args:
        session: The database.
        world: The sample world.
        starts_on: The sample bank's first business date.
    """
    homes = {
        "bank": save_organization(
            session,
            OrganizationDraft(
                kind=OrganizationKind.BANK,
                name=world.bank.name,
                usci=world.bank.usci,
                business_date=starts_on,
                is_sample=True,
            ),
        ),
        "bureau": save_organization(
            session,
            OrganizationDraft(
                kind=OrganizationKind.BUREAU,
                name=world.bureau.name,
                usci=None,
                business_date=world.bureau_business_date,
                is_sample=True,
            ),
        ),
        "platform": save_organization(
            session,
            OrganizationDraft(
                kind=OrganizationKind.PLATFORM,
                name=world.platform.name,
                usci=None,
                business_date=starts_on,
                is_sample=True,
            ),
        ),
    }
    known = {person.login: person for home in homes.values() for person in people_of(session, home.id)}
    missing = [person for person in world.person if person.login not in known]
    password_hash = hash_password(SAMPLE_PASSWORD) if missing else ""
    for person in missing:
        if person.login not in known:
            known[person.login] = add_person(
                session,
                organization_id=homes[person.organization].id,
                login=person.login,
                name=person.name,
                role=person.role,
                password_hash=password_hash,
            )
    return {login: actor_of(session, person.id) for login, person in known.items()}


def make_key(session: Session, world: SampleWorld, *, organization_id: str, pepper: bytes, file: Path) -> str:
    """Issue the sample system's API key once and keep it in a file only its owner can read."""
    if file.exists():
        return file.read_text(encoding="ascii").strip()
    issued = issue_key(
        session,
        organization_id=organization_id,
        name=world.system.name,
        role=Role.SYSTEM,
        scopes=("*",),
        expires_at=_KEY_ENDS_AT,
        pepper=pepper,
    )
    file.touch(mode=0o600)
    file.write_text(issued.text, encoding="ascii")
    return issued.text


def make_parameters(session: Session, world: SampleWorld, *, maker: Actor, checker: Actor, at: datetime) -> int:
    """Enter the sample bank's own parameters, made by one person and approved by another."""
    values = [value for parameter in world.parameter for value in _values(parameter, (maker.name, checker.name))]
    values.extend(sample_parameters())
    for value in values:
        enter_parameter(session, maker, checker, value, reason="示例参数（虚构）", at=at)
    return len(values)


def _values(parameter: SampleParameter, approved_by: tuple[str, ...]) -> list[ParameterValue]:
    return [
        ParameterValue(
            key=parameter.key,
            scope=scope,
            value=text,
            unit=parameter.unit,
            valid_from=_PARAMETERS_FROM,
            valid_to=None,
            known_from=_PARAMETERS_FROM,
            document="示例银行内部参数表（虚构）",
            article=parameter.title_zh,
            grade=Grade.SAMPLE,
            confirmed=True,
            approved_by=approved_by,
            note="示例参数",
            title_zh=parameter.title_zh,
            title_en=parameter.title_en,
        )
        for scope, text in parameter.values.items()
    ]


def make_parties(session: Session, world: SampleWorld, actor: Actor) -> dict[str, Party]:
    """Add the enterprises and the Hong Kong counterparty, by the codes of the sample world."""
    parties = {
        enterprise.code: save_party(
            session,
            actor,
            PartyDraft(
                kind=PartyKind.ENTERPRISE,
                name=enterprise.name,
                usci=enterprise.usci,
                lei=None,
                industry=enterprise.industry,
                district=enterprise.district,
                scheme=enterprise.scheme,
                key_emitter=enterprise.key_emitter,
                is_sample=True,
            ),
        )
        for enterprise in world.enterprise
    }
    parties[world.counterparty.code] = save_party(
        session,
        actor,
        PartyDraft(
            kind=PartyKind.COUNTERPARTY,
            name=world.counterparty.name,
            usci=None,
            lei=world.counterparty.lei,
            industry=None,
            district=None,
            scheme=None,
            key_emitter=None,
            is_sample=True,
        ),
    )
    return parties
