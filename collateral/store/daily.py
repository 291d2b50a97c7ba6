"""The day's margin run at rest: everything read by a handful of statements, everything written by as many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.storage.rows import insert_many, new_ids, table_of
from collateral.calc.daily_texts import DayTexts
from collateral.calc.running_calls import LIVE
from collateral.models import (
    AgreementExposureRow,
    CoverageRow,
    MarginCallEventRow,
    MarginCallRow,
    PledgeEventRow,
    PledgeRow,
    PledgeUnitRow,
    RegistryAccountRow,
    UnitPositionRow,
)
from collateral.store.valuations import top_ups_to_json

_CALLS = table_of(MarginCallRow)
_IDS_AT_ONCE = 5000
_AGAIN = "#"
"""Before the number of a revision whose inputs stood once before on the same day, taken away in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningPledge:
    """A pledge in force as the run needs it."""

    id: str
    code: str
    pledgor_id: str
    state: str
    end_date: date
    units: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedOnDay:
    """What is owed behind an agreement on the day, in its last revision."""

    principal_cny: Decimal
    accrued_cny: Decimal
    costs_cny: Decimal
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginSums:
    """Margin of an agreement before the day's own calls."""

    held: Decimal = Decimal("0.00")
    delivery_in_transit: Decimal = Decimal("0.00")
    return_in_transit: Decimal = Decimal("0.00")


def running_pledges(
    session: Session, actor: Actor, states: frozenset[str], *, only: str | None = None
) -> tuple[RunningPledge, ...]:
    """Give the pledges in these states by code, each with its units in order; one whose units were all taken has none.

    `only` asks for one pledge.
    """
    pledges, units = table_of(PledgeRow), table_of(PledgeUnitRow)
    asked = (
        sa.select(
            pledges.c.id,
            pledges.c.code,
            pledges.c.pledgor_id,
            pledges.c.state,
            pledges.c.end_date,
            units.c.unit,
            units.c.quantity_t,
        )
        .join(units, units.c.pledge_id == pledges.c.id, isouter=True)
        .where(pledges.c.organization_id == actor.organization_id, pledges.c.state.in_(sorted(states)))
        .order_by(pledges.c.code, units.c.unit)
    )
    rows = session.execute(asked if only is None else asked.where(pledges.c.id == only)).all()
    found: dict[str, list[Any]] = {}
    for row in rows:
        held = found.setdefault(row.id, [row.code, row.pledgor_id, row.state, row.end_date, []])[4]
        if row.unit is not None:
            held.append((row.unit, row.quantity_t))
    return tuple(
        RunningPledge(id=pledge_id, code=code, pledgor_id=pledgor_id, state=state, end_date=end_date, units=tuple(held))
        for pledge_id, (code, pledgor_id, state, end_date, held) in found.items()
    )


def owed_on(session: Session, actor: Actor, day: date) -> dict[str, OwedOnDay]:
    """Give what is owed on that very day by agreement, the last revision of each."""
    table = table_of(AgreementExposureRow)
    rows = session.execute(
        sa.select(table.c.agreement_code, table.c.principal_cny, table.c.accrued_cny, table.c.costs_cny, table.c.source)
        .where(table.c.organization_id == actor.organization_id, table.c.exposure_date == day)
        .order_by(table.c.revision)
    )
    return {
        row.agreement_code: OwedOnDay(
            principal_cny=row.principal_cny, accrued_cny=row.accrued_cny, costs_cny=row.costs_cny, source=row.source
        )
        for row in rows
    }


def free_units(session: Session, actor: Actor) -> dict[str, list[tuple[str, int]]]:
    """Give the units each party holds neither reserved nor locked, in order."""
    positions, accounts = table_of(UnitPositionRow), table_of(RegistryAccountRow)
    rows = session.execute(
        sa.select(
            accounts.c.party_id, positions.c.unit, positions.c.total_t, positions.c.pending_t, positions.c.locked_t
        )
        .join(accounts, accounts.c.id == positions.c.account_id)
        .where(positions.c.organization_id == actor.organization_id)
        .order_by(accounts.c.party_id, positions.c.unit)
    )
    found: dict[str, list[tuple[str, int]]] = {}
    for row in rows:
        free_t = row.total_t - row.pending_t - row.locked_t
        if free_t > 0:
            found.setdefault(row.party_id, []).append((row.unit, free_t))
    return found


def margin_sums(session: Session, actor: Actor, *, before: date) -> dict[str, MarginSums]:
    """Give margin by agreement: what was received less what went back, and what calls of earlier days still await."""
    rows = session.execute(
        sa.select(
            _CALLS.c.agreement_code, _CALLS.c.direction, _CALLS.c.state, _CALLS.c.issued_on, _CALLS.c.cash_amount,
            _CALLS.c.received_amount,
        ).where(
            _CALLS.c.organization_id == actor.organization_id,
            sa.or_(_CALLS.c.state.in_(sorted(LIVE)), _CALLS.c.received_amount > Decimal(0)),
        )
    )  # fmt: skip
    sums: dict[str, list[Decimal]] = {}
    for row in rows:
        held = sums.setdefault(row.agreement_code, [Decimal("0.00")] * 3)
        is_delivery = row.direction == "delivery"
        held[0] += row.received_amount if is_delivery else -row.received_amount
        if row.state in LIVE and row.issued_on < before:
            held[1 if is_delivery else 2] += max(row.cash_amount - row.received_amount, Decimal("0.00"))
    return {
        code: MarginSums(held=held, delivery_in_transit=coming, return_in_transit=going)
        for code, (held, coming, going) in sums.items()
    }


def struck_on(session: Session, actor: Actor, day: date) -> dict[str, tuple[str, ...]]:
    """Give what was struck on a day by pledge: digests of the inputs, the last revision last."""
    table = table_of(CoverageRow)
    rows = session.execute(
        sa.select(table.c.pledge_id, table.c.inputs_digest)
        .where(table.c.organization_id == actor.organization_id, table.c.business_date == day)
        .order_by(table.c.revision)
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.pledge_id, []).append(row.inputs_digest.partition(_AGAIN)[0])
    return {pledge_id: tuple(digests) for pledge_id, digests in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class StruckDay:
    """One agreement's day to be written down."""

    pledge: RunningPledge
    texts: DayTexts
    inputs_digest: str
    revision: int
    stood_before: bool
    terms_id: str | None
    decision_id: str


def add_coverages(session: Session, actor: Actor, business_date: date, days: Sequence[StruckDay]) -> None:
    """Write down many agreements' coverage of a day by one statement."""
    ids = new_ids(len(days))
    rows = [_coverage_row(*one) for one in zip(ids, days, strict=True)]
    same = {"organization_id": actor.organization_id, "business_date": business_date}
    insert_many(session, CoverageRow, rows, same=same)


def _coverage_row(row_id: str, day: StruckDay) -> dict[str, Any]:
    struck, inputs = day.texts.struck, day.texts.inputs
    valuation = struck.valuation
    return {
        "id": row_id,
        "pledge_id": day.pledge.id,
        "revision": day.revision,
        "inputs_digest": f"{day.inputs_digest}{_AGAIN}{day.revision}" if day.stood_before else day.inputs_digest,
        "decision_id": day.decision_id,
        "market_value_cny": valuation.market_value_cny,
        "collateral_value_cny": valuation.collateral_value_cny,
        "debt_cny": valuation.debt_cny,
        "coverage_ratio": valuation.coverage_ratio,
        "ltv_ratio": valuation.ltv_ratio,
        "warning_ratio": inputs.agreed.warning_ratio,
        "level": valuation.level.value,
        "cash_to_initial_cny": struck.cash_to_initial_cny,
        "top_ups": top_ups_to_json(struck.top_ups),
        "closeout_days": struck.closeout_days,
        "safe_date_kind": struck.safe_date.kind.value,
        "safe_date": struck.safe_date.day,
        "unconfirmed": inputs.unconfirmed,
        "margin_held_cny": inputs.margin.held_cny,
        "delivery_cny": struck.delivery_cny,
        "return_cny": struck.return_cny,
        "terms_id": day.terms_id,
    }


_CALLED_BY = (
    "pledge_id", "level", "coverage_ratio", "warning_ratio", "delivery_cny", "return_cny", "top_ups", "terms_id",
    "decision_id",
)  # fmt: skip


def coverages_of_day(session: Session, actor: Actor, day: date) -> dict[str, Mapping[str, Any]]:
    """Give the last coverage of a day by pledge, as rows of what the day's calls are made from."""
    table = table_of(CoverageRow)
    rows = session.execute(
        sa.select(*[table.c[name] for name in _CALLED_BY])
        .where(table.c.organization_id == actor.organization_id, table.c.business_date == day)
        .order_by(table.c.revision)
    )
    return {row[0]: dict(zip(_CALLED_BY, row, strict=True)) for row in rows}


def called_on(session: Session, actor: Actor, day: date) -> set[tuple[str, str]]:
    """Give the agreements, each with the direction, for which a call was issued on a day, whatever became of it."""
    rows = session.execute(
        sa.select(_CALLS.c.agreement_code, _CALLS.c.direction).where(
            _CALLS.c.organization_id == actor.organization_id, _CALLS.c.issued_on == day
        )
    )
    return {(row.agreement_code, row.direction) for row in rows}


def add_calls(
    session: Session,
    calls: Sequence[Mapping[str, Any]],
    events: Sequence[Mapping[str, Any]],
    *,
    of_all: Mapping[str, Any],
    of_events: Mapping[str, Any],
) -> None:
    """Write many calls and their first steps, each by one statement; what is the same in all is given once."""
    insert_many(session, MarginCallRow, calls, same=of_all)
    insert_many(session, MarginCallEventRow, events, same=of_events)


def move_pledges(session: Session, actor: Actor, pledge_ids: Sequence[str], *, before: str, after: str) -> int:
    """Move many pledges that stand in one state to another by guarded statements, and say how many moved."""
    table, moved = table_of(PledgeRow), 0
    for start in range(0, len(pledge_ids), _IDS_AT_ONCE):
        done = session.execute(
            sa.update(table)
            .where(table.c.organization_id == actor.organization_id, table.c.state == before)
            .where(table.c.id.in_(pledge_ids[start : start + _IDS_AT_ONCE]))
            .values(state=after)
        )
        moved += done.rowcount  # type: ignore[attr-defined]  # an UPDATE gives a cursor result
    return moved


def pledge_event_places(session: Session, actor: Actor) -> dict[str, int]:
    """Give the next place in each pledge's timeline."""
    table = table_of(PledgeEventRow)
    rows = session.execute(
        sa.select(table.c.pledge_id, sa.func.count().label("place"))
        .where(table.c.organization_id == actor.organization_id)
        .group_by(table.c.pledge_id)
    )
    return {row.pledge_id: row.place for row in rows}


def add_pledge_events(session: Session, events: Sequence[Mapping[str, Any]], *, of_all: Mapping[str, Any]) -> None:
    """Write many steps of pledges by one statement; what is the same in all is given once."""
    insert_many(session, PledgeEventRow, events, same=of_all)
