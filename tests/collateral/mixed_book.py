"""A bank whose agreements stand in every way the day's run meets: covered, called, refused, in dispute, in transit."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from carbonfin.kernel.units import Currency
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rows import Row, new_id, table_of
from collateral.calc.agreed_terms import terms_payload, unagreed_terms
from collateral.models import (
    AgreementExposureRow,
    AuthorityActRow,
    MarginCallEventRow,
    MarginCallRow,
    MarginTermsRow,
    PledgeRow,
    PledgeUnitRow,
    RegistryAccountRow,
    UnitPositionRow,
)
from tests.collateral.desk import Desk, build_desk
from tests.collateral.world import TODAY

_AT = datetime(2025, 6, 20, tzinfo=UTC)
_DEBTS = {
    "covered": "600000.00", "free": "0.00", "below": "825000.00", "warning": "855000.00", "disposal": "1200000.00",
    "vast": "9000000000000.00",
}  # fmt: skip
_UNITS: Mapping[str, tuple[tuple[str, int], ...]] = {
    "two": (("CEA-2023", 5_001), ("SZA-2023", 33_333)),
    "unpriced": (("EUA", 40_000),),
    "without": (),
    "without volume": (("CCER", 40_000),),
    "carried": (("CEA-2024", 9_999),),
    "late": (("SZA-2022", 41_111),),
    "vast": (("SZA-2023", 10**12),),
}
_TERMS: Mapping[str, Mapping[str, Any]] = {
    "rounded": {"threshold": "20000.00", "minimum_transfer": "30000.00", "rounding": "10000.00"},
    "endless": {"threshold": None},
    "nearest": {"rounding": "1000.00", "delivery_direction": "nearest", "independent": "12345.67"},
    "own lines": {"initial_ratio": "1.3333", "warning_ratio": "1.2", "disposal_ratio": "1.1"},
    "fine lines": {"initial_ratio": "1.0000000001", "warning_ratio": "0.9999999999", "disposal_ratio": "0.5"},
}
_CALLS: Mapping[str, tuple[tuple[str, str, str, str], ...]] = {
    "held": (("SETTLED", "delivery", "40000.00", "40000.00"),),
    "held beyond": (("SETTLED", "delivery", "90000.00", "90000.00"),),
    "in transit": (("IN_TRANSIT", "delivery", "50000.00", "20000.00"),),
    "going back": (("SETTLED", "delivery", "300000.00", "300000.00"), ("ISSUED", "return", "10000.00", "0.00")),
    "disputed": (("DISPUTED", "delivery", "30000.00", "0.00"),),
    "late to pay": (("ISSUED", "delivery", "30000.00", "0.00"),),
    "recovered": (("ISSUED", "delivery", "30000.00", "0.00"),),
}
_DEBT_OF = {
    "held beyond": "below", "going back": "covered", "recovered": "covered", "fine lines": "below", "two": "warning",
    "carried": "below",
}  # fmt: skip
_CALLED = ("in transit", "disputed", "late to pay", "recovered")
_PLEDGORS = ("E3", "E5", "E1", "E2", "HK1")
_UNPOSTED, _FROZEN = "unposted", "frozen"
WAYS = (*_DEBTS, *_TERMS, *_CALLS, *[way for way in _UNITS if way not in _DEBTS], _UNPOSTED, _FROZEN)
REFUSED = frozenset({"unpriced", "without", "without volume", _UNPOSTED})

CALLED: Mapping[str, frozenset[str]] = {
    "delivery": frozenset(
        {"warning", "disposal", "rounded", "nearest", "own lines", "fine lines", "disputed", "carried", "late", _FROZEN}
    ),
    "return": frozenset({"held beyond", "going back"}),
}
"""Who is called on the day: below the warning line with margin due beyond what is held or awaited; who is paid back."""


def make_mixed_book(sessions: Sessions, count: int) -> Desk:
    """Build the bank; agreement number n stands in the way `WAYS[n % len(WAYS)]`, with figures of its own."""
    with sessions.begin() as session:
        desk = build_desk(session)
        _free_units(session, desk)
        for place in range(count):
            _stand(session, desk, f"M{place:05d}", way=WAYS[place % len(WAYS)], place=place)
    return desk


def way_of(code: str) -> str:
    """Give the way in which an agreement stands."""
    return WAYS[int(code[1:]) % len(WAYS)]


def _free_units(session: Session, desk: Desk) -> None:
    accounts = table_of(RegistryAccountRow)
    for place, account_id in enumerate(session.execute(sa.select(accounts.c.id)).scalars().all()):
        _add(
            session, UnitPositionRow, id=new_id(), organization_id=desk.maker.organization_id, account_id=account_id,
            unit=("CEA-2022", "EUA")[place % 2], total_t=100 + place, pending_t=0, locked_t=place,
        )  # fmt: skip


def _stand(session: Session, desk: Desk, code: str, *, way: str, place: int) -> None:
    pledge_id, bank_id = new_id(), desk.maker.organization_id
    pledgor_id = desk.parties[_PLEDGORS[place % len(_PLEDGORS)]]
    principal = Decimal(_DEBTS[_DEBT_OF.get(way, way if way in _DEBTS else "warning")])
    accrued = Decimal("0.00") if way == "free" else Decimal("758.81") + Decimal(place).scaleb(-2)
    _add(
        session, PledgeRow, id=pledge_id, organization_id=bank_id, code=code, pledgor_id=pledgor_id,
        state="MARGIN_CALLED" if way in _CALLED else "DRAWN", principal_cny=Decimal("855000.00"),
        end_date=TODAY + timedelta(days=90), extends_code="", applied_on=TODAY, maker_id=desk.maker.id,
        maker_name=desk.maker.name, refusals=[], is_sample=True,
    )  # fmt: skip
    for unit, quantity_t in _UNITS.get(way, (("SZA-2023", 40_000 + place),)):
        _add(
            session, PledgeUnitRow, id=new_id(), organization_id=bank_id, pledge_id=pledge_id, unit=unit,
            quantity_t=quantity_t,
        )  # fmt: skip
    if way != _UNPOSTED:
        _add(
            session, AgreementExposureRow, id=new_id(), organization_id=bank_id, agreement_code=code,
            exposure_date=TODAY, revision=0, principal_cny=principal, accrued_cny=accrued, costs_cny=Decimal("0.00"),
            source="贷款台账",
        )  # fmt: skip
    if way in _TERMS:
        _add_terms(session, desk, code, _TERMS[way])
    for number, call in enumerate(_CALLS.get(way, ())):
        _add_call(session, desk, code, number=number, call=call)
    if way == _FROZEN:
        _add(
            session, AuthorityActRow, id=new_id(), organization_id=bank_id, party_id=pledgor_id, pledge_id=pledge_id,
            unit="SZA-2023", kind="freeze", quantity_t=10_000 + place, freeze_id=None, authority="示例法院",
            document="（2025）示例", document_date=TODAY, evidence_digest="-", business_date=TODAY, recorded_at=_AT,
            actor_id=desk.maker.id, actor_name=desk.maker.name,
        )  # fmt: skip


def _add_terms(session: Session, desk: Desk, code: str, own: Mapping[str, Any]) -> None:
    terms = unagreed_terms(
        "pledge", code, currency=Currency.CNY, minimum_transfer=Decimal("0.00"), cure_days=3, valid_from=TODAY
    )
    _add(
        session, MarginTermsRow, id=new_id(), organization_id=desk.maker.organization_id, agreement_kind="pledge",
        agreement_code=code, revision=1, valid_from=TODAY, terms={**terms_payload(terms), **own}, approval_id="-",
        maker_id=desk.maker.id, maker_name=desk.maker.name, checker_id=desk.checker.id,
        checker_name=desk.checker.name, approved_at=_AT,
    )  # fmt: skip


def _add_call(session: Session, desk: Desk, code: str, *, number: int, call: tuple[str, str, str, str]) -> None:
    state, direction, amount, received = call
    issued_on = TODAY - timedelta(days=10 - number)
    call_id = new_id()
    _add(
        session, MarginCallRow, id=call_id, organization_id=desk.maker.organization_id, agreement_code=code,
        state=state, issued_on=issued_on, deadline=TODAY - timedelta(days=3), currency="CNY",
        cash_amount=Decimal(amount), top_ups=[], decision_id="-", issued_at=_AT, part=0, direction=direction,
        received_amount=Decimal(received), deadline_at=_AT + timedelta(days=7),
    )  # fmt: skip
    _add(
        session, MarginCallEventRow, id=new_id(), organization_id=desk.maker.organization_id, call_id=call_id, place=0,
        event="issue", state_before="CALCULATED", state_after=state, amount=Decimal(amount), business_date=issued_on,
        happened_at=_AT, actor_id=desk.maker.id, actor_name=desk.maker.name, cause="日终盯市",
    )  # fmt: skip


def _add(session: Session, row: type[Row], **values: Any) -> None:
    session.execute(sa.insert(table_of(row)).values(**values))
