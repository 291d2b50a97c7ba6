"""Whole pledges under the ledger's harness: applied for, frozen, drawn, topped up, enforced and shared out by many.

The sample bank of the tests stands beside the hot positions. Each operation takes one step of one pledge, whichever its
state allows, and now and then one that must be refused. The registry is a table of the same database written in
transactions of its own, so that it lives on when the service is killed: it freezes once for each key, refuses some,
loses replies after it has acted, and is asked by several dispatchers at once.
"""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import sqlalchemy as sa
from sqlmodel import Session

from carbonfin.kernel import dates
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import CarbonFinError, Conflict
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer
from carbonfin.storage.engine import Sessions
from carbonfin.storage.files import check_file, store_file
from carbonfin.storage.parties import Standing, actor_of, organizations, parties_of, people_of, standing_of
from carbonfin.storage.rows import new_id
from collateral import jobs, service
from collateral.calc.agreements import Pledge, PledgeDraft, UnitQuantity
from collateral.calc.freezes import Operation
from collateral.registries.port import Answer as Said
from collateral.registries.port import CustodyStatement, RegistryReply, RegistryRequest, RegistryStatement
from collateral.service import ENFORCEMENT_APPROVAL, ChangeDraft, ChangeKind, LotSold, SaleDraft, SaleMethod
from collateral.service import pledges as pledge_service
from tests.collateral.desk import Desk, build_desk
from tests.collateral.world import KNOWN_AT

CODES = "L"
DOCUMENT = check_file("处置与还款凭证".encode(), name="凭证.txt")
_BANK = "示例银行股份有限公司深圳分行"
_QUICKER = 60
"""A second of the machine is a minute of the sample bank: what a killed dispatcher had taken is free again soon."""
_ENDED = frozenset({"RELEASED", "REJECTED", "CANCELLED"})
_AT_ONCE = 24
_OFFERS = {
    "E1": ("CEA-2023", "CEA-2024"), "E2": ("SZA-2023", "SZA-2024"), "E3": ("SZA-2023", "SZA-2024"),
    "E5": ("SZA-2023", "SZA-2024"),
}  # fmt: skip
_USCI = {
    "91440300EXAMPLE11K": "E1", "91440300EXAMPLE2XB": "E2", "91440300EXAMPLE38B": "E3", "91440300EXAMPLE541": "E5",
}  # fmt: skip
TABLES = (
    "CREATE TABLE harness_request (request_key text PRIMARY KEY, outcome text NOT NULL)",
    "CREATE TABLE harness_frozen (request_key text, agreement_code text, unit text, quantity_t bigint NOT NULL)",
)


def make_lives(session: Session) -> None:
    """Put the sample bank beside what is there, and the other side's tables."""
    desk = build_desk(session)
    store_file(session, desk.maker, DOCUMENT, at=desk.standing.known_at)
    for statement in TABLES:
        session.execute(sa.text(statement))


class Clock(dates.Clock):
    """The sample bank's time, which passes quickly from where the run began; all processes of a machine share it."""

    def __init__(self, began: float) -> None:
        self._began = began

    def now(self) -> datetime:
        """Give the instant."""
        return KNOWN_AT + timedelta(seconds=(time.monotonic() - self._began) * _QUICKER)


class OtherSide:
    """A registry that acts once for each key and remembers it whatever becomes of who asked."""

    def __init__(self, sessions: Sessions, dice: random.Random) -> None:
        self._sessions = sessions
        self._dice = dice

    def send(self, request: RegistryRequest) -> RegistryReply:
        """Act on a request, if it is new; one reply in six is lost after it has acted, one in ten asks again."""
        outcome = "rejected" if request.operation is Operation.FREEZE and self._dice.random() < 0.08 else "done"
        for _ in range(1 if self._dice.random() < 0.9 else 2):
            outcome = self._act(request, outcome)
        if self._dice.random() < 1 / 6:
            return RegistryReply(answer=Said.UNKNOWN)
        return RegistryReply(answer=Said(outcome), reference="H", units=request.units)

    def _act(self, request: RegistryRequest, outcome: str) -> str:
        sign = 1 if request.operation is Operation.FREEZE else -1
        with self._sessions.begin() as session:
            known = session.execute(
                sa.text(
                    "INSERT INTO harness_request (request_key, outcome) VALUES (:key, :outcome) "
                    "ON CONFLICT (request_key) DO UPDATE SET request_key = EXCLUDED.request_key "
                    "RETURNING outcome, (xmax = 0) AS is_new"
                ),
                {"key": request.request_key, "outcome": outcome},
            ).one()
            if known.is_new and outcome == "done":
                for one in request.units:
                    session.execute(
                        sa.text("INSERT INTO harness_frozen VALUES (:key, :code, :unit, :quantity_t)"),
                        {
                            "key": request.request_key, "code": request.agreement_code, "unit": one.unit,
                            "quantity_t": sign * one.quantity_t,
                        },
                    )  # fmt: skip
        return str(known.outcome)

    def query(self, request_key: str) -> RegistryReply:
        """Say what became of a request."""
        with self._sessions.read() as session:
            found = session.execute(
                sa.text("SELECT outcome FROM harness_request WHERE request_key = :key"), {"key": request_key}
            ).scalar_one_or_none()
        return RegistryReply(answer=Said.NOT_FOUND if found is None else Said(found), reference="H")

    def statement(self, bank_id: str) -> RegistryStatement:
        """Give nothing; the harness compares the tables themselves."""
        raise NotImplementedError(bank_id)

    def custody_statement(self, bank_id: str, exchange_code: str, day: date) -> CustodyStatement:
        """Give nothing; no funds are held in the harness."""
        raise NotImplementedError(bank_id, exchange_code, day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lives:
    """The sample bank, as one client works on it."""

    sessions: Sessions
    desk: Desk
    clock: Clock
    registry: OtherSide

    def step(self, dice: random.Random) -> str:
        """Take one step of one pledge; a refusal counts as well. Gives its name, or a breach behind an exclamation."""
        if dice.random() < 0.3:
            return self._ask_registry(dice)
        with self.sessions.read() as session:
            every = [one for one in service.pledges_of(session, self.desk.maker) if one.code.startswith(CODES)]
        living = [one for one in every if one.state not in _ENDED]
        if len(living) < _AT_ONCE and (not living or dice.random() < 0.35):
            return self._apply(dice)
        pledge = dice.choice(living)
        try:
            with self.sessions.begin() as session:
                return self._moved(session, pledge, dice)
        except CarbonFinError:
            return f"{pledge.state.lower()} refused"

    @property
    def standing(self) -> Standing:
        """Say where the bank stands now."""
        with self.sessions.read() as session:
            return standing_of(session, self.desk.maker.organization_id, self.clock)

    def _ask_registry(self, dice: random.Random) -> str:
        try:
            if dice.random() < 0.6:
                jobs.dispatch_registry_messages(self.sessions, self.desk.maker, self.registry, clock=self.clock)
            else:
                jobs.query_open_requests(self.sessions, self.desk.maker, self.registry, clock=self.clock)
        except CarbonFinError:
            return "registry refused"
        return "registry"

    def _apply(self, dice: random.Random) -> str:
        pledgor = dice.choice(sorted(_OFFERS))
        units = dice.sample(_OFFERS[pledgor], dice.randint(1, 2))
        days = dice.choice((20, 30, 150, 160, 300))
        draft = PledgeDraft(
            code=f"{CODES}{new_id()[:12]}", pledgor_id=self.desk.parties[pledgor],
            units=tuple(UnitQuantity(unit=Unit.parse(one), quantity_t=dice.randint(50, 20_000)) for one in units),
            principal_cny=Decimal(dice.randint(500, 40_000)), end_date=self.desk.standing.business_date
            + timedelta(days=days), extends_code="",
        )  # fmt: skip
        with self.sessions.begin() as session:
            standing = standing_of(session, self.desk.maker.organization_id, self.clock)
            applied = service.apply_for_pledge(session, self.desk.maker, draft, standing=standing)
            return service.appraise_pledge(session, self.desk.maker, applied.id, standing=standing).state.lower()

    def _moved(self, session: Session, pledge: Pledge, dice: random.Random) -> str:
        maker, checker = self.desk.maker, self.desk.checker
        standing = standing_of(session, maker.organization_id, self.clock)
        given = {"standing": standing}
        match pledge.state:
            case "APPRAISED":
                service.complete_diligence(session, maker, pledge.id, finding="无在先权利", **given)
            case "DILIGENCE_DONE":
                service.approve_pledge(
                    session, checker, pledge.id, reason="同意",
                    accepted_unconfirmed=service.unconfirmed_of(session, checker, pledge), **given,
                )  # fmt: skip
            case "APPROVED":
                service.sign_pledge(session, maker, pledge.id, contract="HT", agreed=self.desk.agreed, **given)
            case "CONTRACTED":
                service.register_pledge(session, maker, pledge.id, registration_number="ZD", **given)
            case "REGISTERED_ZHONGDENG":
                service.request_freeze(session, maker, pledge.id, **given)
            case "FROZEN" | "FREEZE_REQUESTED" | "FREEZE_UNKNOWN":
                service.draw_pledge(session, maker, pledge.id, agreed=self.desk.agreed, **given)
            case "DRAWN" | "MARGIN_CALLED":
                return self._in_force(session, pledge, dice, standing)
            case "ENFORCING" | "ENFORCED":
                return self._enforced(session, pledge, dice, standing)
            case "REPAID":
                service.request_unfreeze(session, maker, pledge.id, agreed=self.desk.agreed, **given)
            case _:
                raise Conflict("it waits for the registry", zh="等待登记机构", field="state")
        return pledge.state.lower()

    def _in_force(self, session: Session, pledge: Pledge, dice: random.Random, standing: Standing) -> str:
        maker, given = self.desk.maker, {"standing": standing}
        waiting = service.waiting_enforcement_approval(session, maker, pledge.id)
        if waiting is not None:
            return self._decided(session, waiting.id, standing)
        chosen = dice.choices(("top up", "default", "repay", "owe"), (4, 4, 1, 2))[0]
        if chosen == "top up":
            return self._topped_up(session, pledge, dice, standing)
        if chosen == "default":
            service.propose_default(
                session, maker, pledge.id, ground="未付息", evidence_digest=DOCUMENT.digest, **given
            )  # fmt: skip
        elif chosen == "repay":
            service.repay_pledge(session, maker, pledge.id, cause="结清", evidence_digest=DOCUMENT.digest, **given)
        else:
            service.record_exposure(
                session, maker, pledge.code, principal_cny=Decimal(dice.randint(500, 4_000_000)),
                accrued_cny=Decimal(dice.randint(0, 99_999)) / 100, exposure_date=standing.business_date,
            )  # fmt: skip
        return chosen

    def _topped_up(self, session: Session, pledge: Pledge, dice: random.Random, standing: Standing) -> str:
        """Offer more units: what the pledgor has free is always taken, whether or not it cures (I9)."""
        unit, quantity_t = dice.choice(pledge.units).unit, dice.randint(1, 50)
        draft = ChangeDraft(
            kind=ChangeKind.TOP_UP, added=(UnitQuantity(unit=unit, quantity_t=quantity_t),), freed=(),
            repayment_cny=Decimal("0.00"), reason="追加",
        )  # fmt: skip
        session.execute(sa.text("SELECT id FROM pledge WHERE id = :id FOR UPDATE"), {"id": pledge.id})
        held = service.load_pledge(session, self.desk.maker, pledge.id)
        free_t = session.execute(
            sa.text(
                "SELECT p.total_t - p.pending_t - p.locked_t FROM unit_position p JOIN registry_account a "
                "ON a.id = p.account_id WHERE a.party_id = :party AND p.unit = :unit FOR UPDATE OF p"
            ),
            {"party": pledge.pledgor_id, "unit": str(unit)},
        ).scalar_one()
        try:
            service.propose_change(session, self.desk.maker, pledge.id, draft, standing=standing)
        except CarbonFinError as refused:
            now = service.load_pledge(session, self.desk.maker, pledge.id)
            if free_t >= quantity_t and held.state == now.state and now.state in {"DRAWN", "MARGIN_CALLED"}:
                return f"! I9 top-up refused: {refused.detail}"
            raise
        return "top up"

    def _enforced(self, session: Session, pledge: Pledge, dice: random.Random, standing: Standing) -> str:
        maker, given = self.desk.maker, {"standing": standing, "evidence_digest": DOCUMENT.digest}
        waiting = service.waiting_enforcement_approval(session, maker, pledge.id)
        if waiting is not None:
            return self._decided(session, waiting.id, standing)
        if pledge.state == "ENFORCED":
            costs_cny = Decimal(dice.randint(0, 2_000_000)) / 100
            service.propose_distribution(session, maker, pledge.id, costs_cny=costs_cny, **given)
            return "share out"
        seen = service.view_enforcement(session, maker, pledge.id)
        if seen.last("means") is None:
            service.propose_means(session, maker, pledge.id, method=SaleMethod.AUCTION, ground="流动性", **given)
            return "means"
        if dice.random() < 0.2:
            service.record_failed_sale(session, maker, pledge.id, reason="流拍", **given)
            return "failed sale"
        bands = service.preview_means(session, maker, pledge.id, SaleMethod.AUCTION, standing=standing).bands
        price_of = {one.unit: _between(one.floor_cny_per_t, one.cap_cny_per_t, dice) for one in bands}
        lots = tuple(
            LotSold(unit=one.unit, quantity_t=one.quantity_t, price_cny_per_t=price_of[one.unit])
            for one in pledge.units
        )
        draft = SaleDraft(
            method=SaleMethod.AUCTION, lots=lots, buyer_id=self.desk.parties[dice.choice(("E2", "E5"))],
            evidence_digest=DOCUMENT.digest,
        )  # fmt: skip
        service.settle_sale(session, maker, pledge.id, draft, standing=standing)
        return "sale"

    def _decided(self, session: Session, approval_id: str, standing: Standing) -> str:
        approvals.approve(
            session, self.desk.checker, approval_id, kinds=(ENFORCEMENT_APPROVAL,), answer=Answer(reason="同意"),
            at=standing.known_at, business_date=standing.business_date,
        )  # fmt: skip
        return "decided"


def _between(floor: Decimal, cap: Decimal, dice: random.Random) -> Decimal:
    part = Decimal(dice.randint(0, 100)) / 100
    return (floor + (cap - floor) * part).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def find_desk(session: Session) -> Desk:
    """Give the sample bank that a process before this one made."""
    bank = next(one for one in organizations(session) if one.name == _BANK)
    actors = {one.login: actor_of(session, one.id) for one in people_of(session, bank.id)}
    maker: Actor = actors["maker"]
    parties = {_USCI[one.code]: one.id for one in parties_of(session, maker) if one.code in _USCI}
    return Desk(
        maker=maker, checker=actors["checker"], stranger=maker, parties=parties,
        standing=standing_of(session, bank.id, Clock(time.monotonic())),
    )  # fmt: skip


@contextmanager
def weighed_alone() -> Iterator[None]:
    """Have each pledge weighed by itself when it is approved and never beside the others again: the naive way."""
    kept = pledge_service.require_headroom
    pledge_service.require_headroom = lambda *_: None
    try:
        yield
    finally:
        pledge_service.require_headroom = kept
