"""The rulebook at rest: parameters that come with the product, and each organisation's own, approved by two people."""

import tomllib
from collections.abc import Sequence
from datetime import date
from functools import cache
from importlib.resources import files

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict, NotFound, NotPermitted
from carbonfin.rules.parameters import Grade, ParameterBook, ParameterValue, book_from_toml
from carbonfin.storage import columns
from carbonfin.storage.parties import UserRow
from carbonfin.storage.rows import Row, new_id


class ParameterRow(Row, table=True):
    """One value of one parameter of one organisation, entered by a maker and approved by another person."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "key", "scope", "valid_from", "known_from"),
        sa.CheckConstraint("maker_id <> checker_id", name="four_eyes"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    key: str
    scope: str
    value: str
    unit: str
    title_zh: str
    title_en: str
    valid_from: date
    valid_to: date | None = None
    known_from: date
    document: str
    article: str
    grade: Grade
    confirmed: bool
    approved_by: list[str] = Field(sa_type=columns.Json)
    note: str
    maker_id: str = Field(foreign_key="user_account.id")
    checker_id: str = Field(foreign_key="user_account.id")
    digest: str


def book_for(session: Session, organization_id: str, *, packages: Sequence[str]) -> ParameterBook:
    """Give the parameters of some packages with an organisation's own; its own win where both are known alike.

    Args:
        session: An open session.
        organization_id: Whose own values are added.
        packages: Packages whose `parameters/*.toml` are read: pricing, collateral, loans, reporting.
    """
    rows = session.exec(
        select(ParameterRow)
        .where(ParameterRow.organization_id == organization_id)
        .order_by(col(ParameterRow.key), col(ParameterRow.scope), col(ParameterRow.known_from))
    ).all()
    own = [_value(row) for row in rows]
    return ParameterBook([*own, *(value for package in packages for value in builtin_book(package).values())])


@cache
def builtin_book(package: str) -> ParameterBook:
    """Give the parameters that come with a package.

    Only files with `[[parameter]]` tables are read; other tables beside them are their packages' own.

    Raises:
        InvalidInput: A file breaks a rule.
    """
    folder = files(package).joinpath("parameters")
    values: list[ParameterValue] = []
    if folder.is_dir():
        for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if file.name.endswith(".toml"):
                text = file.read_text(encoding="utf-8")
                if "parameter" in tomllib.loads(text):
                    values.extend(book_from_toml(text, file_name=f"{package}/parameters/{file.name}").values())
    return ParameterBook(values)


def save_parameter(
    session: Session, actor: Actor, value: ParameterValue, *, maker: str, checker: str
) -> ParameterValue:
    """Add a value of a parameter to the actor's organisation; saving the same value again changes nothing.

    Args:
        session: An open session.
        actor: Whose organisation it is.
        value: The value; its approvers are replaced by the names of maker and checker.
        maker: Identifier of the person who entered it.
        checker: Identifier of the other person who approved it.

    Raises:
        NotPermitted: Maker and checker are one person.
        NotFound: One of them is not of this organisation.
        Conflict: Another value with the same dates is there; a correction has a later `known_from`.
    """
    if maker == checker:
        raise NotPermitted(
            f"parameter {value.key}: maker and checker are one person",
            zh="经办与复核不得为同一人",
            field="checker",
            remedy="Ask another person to approve it.",
            remedy_zh="请由另一人复核。",
        )
    names = tuple(_name_of(session, actor, user_id) for user_id in (maker, checker))
    before = session.exec(
        select(ParameterRow).where(
            ParameterRow.organization_id == actor.organization_id,
            ParameterRow.key == value.key,
            ParameterRow.scope == value.scope,
            ParameterRow.valid_from == value.valid_from,
            ParameterRow.known_from == value.known_from,
        )
    ).one_or_none()
    if before is None:
        before = _row(actor, value, names=names, maker=maker, checker=checker)
        session.add(before)
        session.flush()
    elif before.digest != value.digest:
        raise Conflict(
            f"parameter {value.key} has another value from {value.valid_from} known from {value.known_from}",
            zh=f"参数 {value.key} 在相同日期已有其他取值",
            field=value.key,
            remedy="Enter the correction with a later known_from.",
            remedy_zh="更正须使用更晚的知悉日期。",
        )
    return _value(before)


def _name_of(session: Session, actor: Actor, user_id: str) -> str:
    user = session.get(UserRow, user_id)
    if user is None or user.organization_id != actor.organization_id:
        raise NotFound(f"there is no person {user_id}", zh="用户不存在", field="checker")
    return user.name


def _row(actor: Actor, value: ParameterValue, *, names: Sequence[str], maker: str, checker: str) -> ParameterRow:
    return ParameterRow(
        organization_id=actor.organization_id,
        key=value.key,
        scope=value.scope,
        value=value.value,
        unit=value.unit,
        title_zh=value.title_zh,
        title_en=value.title_en,
        valid_from=value.valid_from,
        valid_to=value.valid_to,
        known_from=value.known_from,
        document=value.document,
        article=value.article,
        grade=value.grade,
        confirmed=value.confirmed,
        approved_by=list(names),
        note=value.note,
        maker_id=maker,
        checker_id=checker,
        digest=value.digest,
    )


def _value(row: ParameterRow) -> ParameterValue:
    return ParameterValue(
        key=row.key,
        scope=row.scope,
        value=row.value,
        unit=row.unit,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        known_from=row.known_from,
        document=row.document,
        article=row.article,
        grade=row.grade,
        confirmed=row.confirmed,
        approved_by=tuple(row.approved_by),
        note=row.note,
        title_zh=row.title_zh,
        title_en=row.title_en,
    )
