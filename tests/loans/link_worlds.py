"""A bank with a note under a sustainability link, its business date moved from day to day."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock, FixedClock, end_of_china_day
from carbonfin.storage.files import check_file, store_file
from carbonfin.storage.parties import DayState, Standing, actor_of, people_of, roll_business_date, standing_of
from loans import service
from loans.calc.linked.agreements import LinkEvent
from loans.schemas.links import LinkDocumentIn, SustainabilityLinkIn
from tests.loans.facility_samples import approved, contract_of, drawdown_of, line_of, put_in_force
from tests.loans.samples import E4_USCI
from tests.loans.world import KNOWN_AT, Bank, furnished_bank

REPORT_FILE = check_file("指标,数值\nenergy,0.47\n".encode(), name="核查报告.csv")
LINK: dict[str, Any] = {
    "number": "GL-2025-001", "contract_number": "HT-2025-001", "document": "可持续挂钩补充协议(示例)",
    "kpis": [
        {
            "code": "energy", "name": "单位产值综合能耗", "definition": "公司厂界内全部能源消费", "unit": "tce/10k CNY",
            "direction": "lower", "method": "GB/T 2589-2020", "data_source": "能源审计报告", "baseline_year": 2024,
            "baseline_value": "0.50", "baseline_source": "能源审计报告(示例)2024", "is_intensity": True,
            "emissions_ratio": "0.80",
            "history": [
                {"year": 2021, "value": "0.49"}, {"year": 2022, "value": "0.52"}, {"year": 2023, "value": "0.51"},
                {"year": 2024, "value": "0.50"},
            ],
        },
        {
            "code": "green", "name": "绿电比例", "definition": "市场化绿电占用电量", "unit": "ratio",
            "direction": "higher", "method": "绿色电力交易凭证", "data_source": "电力交易中心", "baseline_year": 2024,
            "baseline_value": "0.10", "baseline_source": "绿证(示例)2024", "is_intensity": False,
        },
    ],
    "observations": [
        {
            "observation_date": "2025-09-30", "report_due_date": "2025-10-31",
            "targets": [{"kpi_code": "energy", "value": "0.48"}, {"kpi_code": "green", "value": "0.20"}],
        },
        {
            "observation_date": "2025-12-31", "report_due_date": "2026-01-31",
            "targets": [{"kpi_code": "energy", "value": "0.46"}, {"kpi_code": "green", "value": "0.30"}],
        },
    ],
    "ratchet": {
        "form": "kpi-count", "kind": "absolute", "missed_bp": 5, "late": "compensated", "floor_bp": -15, "cap_bp": 10,
        "steps": [{"key": "0", "step_bp": 5}, {"key": "1", "step_bp": 0}, {"key": "2", "step_bp": -10}],
    },
    "verifier": "示例核查有限公司", "verifier_is_independent": True, "assurance": "limited", "needs_certificate": False,
    "signed_on": "2025-06-30", "valid_from": "2025-06-30", "reason": "签订挂钩条款", "step_up_use": "用于节能改造",
    "bonus_depends": False,
}  # fmt: skip
DOCUMENT: dict[str, Any] = {
    "kind": "verification-report", "observation_number": 1, "document_date": "2025-10-20",
    "received_date": "2025-10-24", "evidence_digest": REPORT_FILE.digest, "usci": E4_USCI,
    "verifier": "示例核查有限公司", "is_independent": True, "assurance": "limited",
    "values": [{"kpi_code": "energy", "value": "0.47"}, {"kpi_code": "green", "value": "0.25"}],
}  # fmt: skip


def change_of(**changed: Any) -> service.LinkChange:
    return msgspec.convert({**LINK, **changed}, SustainabilityLinkIn).change()


@dataclass(slots=True)
class LinkWorld:
    """The bank on its business date; `roll` moves it."""

    session: Session
    bank: Bank
    today: date = date(2025, 6, 30)

    @property
    def standing(self) -> Standing:
        at = end_of_china_day(self.today)
        return standing_of(self.session, self.bank.officer.organization_id, FixedClock(at))

    def roll(self, to: date) -> None:
        roll_business_date(
            self.session, self.bank.officer.organization_id, expected=self.today, to=to, state=DayState.OPEN
        )
        self.today = to

    def sign(self, change: service.LinkChange, *, reason: str = "签订") -> None:
        waiting = service.propose_link(self.session, self.bank.officer, change, standing=self.standing, reason=reason)
        approved(self.session, self.bank.checker, waiting, at=end_of_china_day(self.today))

    def turn(self, event: LinkEvent, valid_from: date) -> None:
        waiting = service.propose_turn(
            self.session, self.bank.officer, "GL-2025-001", event, valid_from=valid_from, standing=self.standing,
            reason="双方协商",
        )  # fmt: skip
        approved(self.session, self.bank.checker, waiting, at=end_of_china_day(self.today))

    def hand_in(self, **changed: Any) -> None:
        given = msgspec.convert({**DOCUMENT, **changed}, LinkDocumentIn)
        service.hand_in(
            self.session, self.bank.officer, "GL-2025-001", given.observation_number, given.content,
            standing=self.standing, at=end_of_china_day(self.today),
        )  # fmt: skip

    def observe(self, number: int = 1) -> None:
        waiting = service.propose_observation(
            self.session, self.bank.officer, "GL-2025-001", number, standing=self.standing, reason="认定"
        )
        approved(self.session, self.bank.checker, waiting, at=end_of_china_day(self.today))

    def view(self) -> service.LinkView:
        return service.load_link(self.session, self.bank.officer, "GL-2025-001", known_at=end_of_china_day(self.today))


def linked_world(session: Session, *, password_hash: str = "", **changed: Any) -> LinkWorld:
    """Give a bank with 10,000,000 drawn at 3.29 % under a contract whose link is signed, and a report's file stored."""
    bank = furnished_bank(session, password_hash=password_hash)
    world = LinkWorld(session=session, bank=bank)
    put_in_force(session, bank.officer, bank.checker, world.standing, line_of(bank.clothing.id), contract_of())
    waiting = service.propose_drawdown(session, bank.officer, drawdown_of(), standing=world.standing, reason="提款")
    approved(session, bank.checker, waiting, at=KNOWN_AT)
    store_file(session, bank.officer, REPORT_FILE, at=KNOWN_AT)
    world.sign(change_of(**changed))
    return world


def sign_sample_link(session: Session, maker: Actor, *, clock: Clock) -> None:
    """Give a demonstration's bank a link of the sample contract whose first observation is due, and its report's file."""
    standing = standing_of(session, maker.organization_id, clock)
    checker = next(
        actor_of(session, one.id) for one in people_of(session, maker.organization_id) if one.role is Role.CHECKER
    )
    store_file(session, maker, REPORT_FILE, at=standing.known_at)
    first = {**LINK["observations"][0], "observation_date": "2025-06-25", "report_due_date": "2025-06-27"}
    change = change_of(observations=[first, LINK["observations"][1]])
    waiting = service.propose_link(session, maker, change, standing=standing, reason="签订")
    approved(session, checker, waiting, at=standing.known_at)
