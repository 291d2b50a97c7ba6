"""A sustainability link of the clothing maker's contract, as the API takes it, and the documents handed in for it."""

from datetime import date
from decimal import Decimal
from typing import Any

from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.tables import TableVersion
from loans.calc.jiangtandai import PointFraction
from loans.calc.linked import RatchetKind
from loans.calc.linked.agreements import Assurance, SustainabilityLink
from loans.calc.linked.documents import KpiValue, VerificationReport
from loans.calc.linked.indicators import (
    Direction,
    KeyPerformanceIndicator,
    ObservationDate,
    PerformanceTarget,
    YearValue,
)
from loans.calc.linked.observation_terms import ObservationInputs
from loans.calc.linked.ratchets import LateReport, MarginRatchet, PointTerms, RatchetForm, RatchetStep, ratchet_table
from tests.loans.samples import E4_USCI

DIGEST = "a" * 64
ENERGY = KeyPerformanceIndicator(
    code="energy", name="单位产值综合能耗", definition="公司厂界内全部能源消费", unit="tce/10k CNY",
    direction=Direction.LOWER, method="GB/T 2589-2020", data_source="能源审计报告", baseline_year=2024,
    baseline_value=Decimal("0.50"), baseline_source="能源审计报告(示例)2024", emissions_ratio=Decimal("0.80"),
    is_intensity=True,
    history=tuple(
        YearValue(year=year, value=Decimal(value))
        for year, value in ((2021, "0.49"), (2022, "0.52"), (2023, "0.51"), (2024, "0.50"))
    ),
)  # fmt: skip
GREEN = KeyPerformanceIndicator(
    code="green", name="绿电比例", definition="市场化绿电占用电量", unit="ratio", direction=Direction.HIGHER,
    method="绿色电力交易凭证", data_source="电力交易中心", baseline_year=2024, baseline_value=Decimal("0.10"),
    baseline_source="绿证(示例)2024", emissions_ratio=Decimal("0.40"), is_intensity=False, history=(),
)  # fmt: skip
COUNTS = MarginRatchet(
    form=RatchetForm.KPI_COUNT, kind=RatchetKind.ABSOLUTE,
    steps=(
        RatchetStep(key="0", step_bp=5), RatchetStep(key="1", step_bp=0), RatchetStep(key="2", step_bp=-10),
    ),
    points=None, missed_bp=5, floor_bp=-15, cap_bp=10, all_in_floor_rate=None, late=LateReport.COMPENSATED,
)  # fmt: skip
GRADES = MarginRatchet(
    form=RatchetForm.GRADES, kind=RatchetKind.CUMULATIVE,
    steps=tuple(RatchetStep(key=key, step_bp=step) for key, step in (("A", -10), ("B", -5), ("C", 0), ("D", 5))),
    points=None, missed_bp=5, floor_bp=-15, cap_bp=10, all_in_floor_rate=None, late=LateReport.NEXT_PERIOD,
)  # fmt: skip
POINTS = MarginRatchet(
    form=RatchetForm.POINTS, kind=RatchetKind.ABSOLUTE, steps=(),
    points=PointTerms(
        base_score=Decimal(60), bp_per_point=Decimal(1), fraction=PointFraction.FLOOR, cap_bp=Decimal(20)
    ),
    missed_bp=0, floor_bp=None, cap_bp=None, all_in_floor_rate=None, late=LateReport.MISSED,
)  # fmt: skip


def observation(number: int, on: date, due: date, *, energy: str = "0.48", green: str = "0.20") -> ObservationDate:
    return ObservationDate(
        number=number, observation_date=on, report_due_date=due,
        targets=(
            PerformanceTarget(kpi_code="energy", value=Decimal(energy)),
            PerformanceTarget(kpi_code="green", value=Decimal(green)),
        ),
    )  # fmt: skip


def link(ratchet: MarginRatchet = COUNTS, **changed: Any) -> SustainabilityLink:
    fields: dict[str, Any] = {
        "number": "GL-2025-001", "contract_number": "HT-2025-001", "document": "可持续挂钩补充协议(示例)",
        "kpis": (ENERGY, GREEN),
        "observations": (
            observation(1, date(2025, 9, 30), date(2025, 10, 31)),
            observation(2, date(2025, 12, 31), date(2026, 1, 31), energy="0.46", green="0.30"),
        ),
        "ratchet": ratchet, "verifier": "示例核查有限公司", "verifier_is_independent": True,
        "assurance": Assurance.LIMITED, "needs_certificate": False, "signed_on": date(2025, 6, 30),
        "valid_from": date(2025, 6, 30), "step_up_use": "用于借款人节能改造", "bonus_depends": False,
    }  # fmt: skip
    return SustainabilityLink(**{**fields, **changed})


def report(energy: str | None = "0.47", green: str | None = "0.25", **changed: Any) -> VerificationReport:
    said = (("energy", energy), ("green", green))
    fields: dict[str, Any] = {
        "version": 1, "usci": E4_USCI, "verifier": "示例核查有限公司", "is_independent": True,
        "assurance": Assurance.LIMITED, "report_date": date(2025, 10, 20), "received_date": date(2025, 10, 24),
        "evidence_digest": DIGEST,
        "values": tuple(KpiValue(kpi_code=code, value=Decimal(value)) for code, value in said if value is not None),
        "grade": None, "score": None, "valid_to": None, "correction_reason": "",
    }  # fmt: skip
    return VerificationReport(**{**fields, **changed})


def recorded_table(agreed: SustainabilityLink) -> RecordedTable:
    table = ratchet_table(agreed.ratchet, document=agreed.document, article=f"{agreed.number} 第 1 版")
    return RecordedTable.of(
        TableVersion(
            table=table, valid_from=agreed.valid_from, known_from=agreed.valid_from, approved_by=("经办", "复核")
        )
    )


def observed(
    agreed: SustainabilityLink, handed: VerificationReport | None, *, number: int = 1, **changed: Any
) -> ObservationInputs:
    fields: dict[str, Any] = {
        "link": agreed, "link_revision": 1, "usci": E4_USCI, "observation_number": number, "version": 1,
        "table": recorded_table(agreed), "report": handed,
        "first_received_date": None if handed is None else handed.received_date, "certificate": None,
        "level_before_bp": Decimal(0), "decided_on": date(2025, 11, 3),
    }  # fmt: skip
    return ObservationInputs(**{**fields, **changed})
