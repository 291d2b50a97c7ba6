"""Monthly haircut reports as the API shows them."""

import re
from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.decisions import DecisionHead
from carbonfin.web.wire import QuantityT, UnitText
from collateral.calc.haircut_models.sale_backtest import Exceedances
from collateral.calc.haircut_reports import HaircutReportInputs, HaircutReportOutcome
from collateral.schemas.haircuts import HaircutComponentOut
from collateral.service.haircut_reports import HaircutReport, ReportRequest

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
MonthText = Annotated[str, Meta(max_length=7, description="A month, as 2025-06.", examples=["2025-06"])]


class HaircutReportIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A report asked for: the month, the unit and the tonnes of a typical pledge."""

    month: MonthText
    unit: UnitText
    quantity_t: QuantityT

    def request(self, code: str) -> ReportRequest:
        """Give what is asked for.

        Raises:
            InvalidInput: Month or unit cannot be read.
        """
        return ReportRequest(
            code=code, month=month_of(self.month), unit=Unit.parse(self.unit), quantity_t=self.quantity_t
        )


def month_of(text: str) -> date:
    """Read a month.

    Raises:
        InvalidInput: It is none.
    """
    found = _MONTH.fullmatch(text.strip())
    if found is None or found.group(1) == "0000":
        raise InvalidInput(
            f"{text!r} is no month", zh=f"“{text}”不是月份", field="month", remedy="Write it as 2025-06.",
            remedy_zh="请按 2025-06 填写。",
        )  # fmt: skip
    return date(int(found.group(1)), int(found.group(2)), 1)


class SensitivityOut(Struct, frozen=True, kw_only=True):
    """The haircut where one fact is worse."""

    name: str
    label_zh: str
    label_en: str
    haircut_ratio: str
    is_accepted: bool


class ExceedancesOut(Struct, frozen=True, kw_only=True):
    """How often a haircut was exceeded by supposed defaults, and what so few can reject."""

    name: str
    default_count: int
    mean_ratio: str
    exceeded_count: int
    interval_low_ratio: str
    interval_high_ratio: str
    worst_beyond_ratio: str | None
    rejecting_count: int
    power_triple_ratio: str
    power_fivefold_ratio: str
    is_rejected: bool

    @classmethod
    def of(cls, one: Exceedances) -> "ExceedancesOut":
        """Copy the domain value."""
        return cls(
            name=one.name, default_count=one.default_count, mean_ratio=str(one.mean_ratio),
            exceeded_count=one.exceeded_count, interval_low_ratio=str(one.interval_low_ratio),
            interval_high_ratio=str(one.interval_high_ratio),
            worst_beyond_ratio=None if one.worst_beyond_ratio is None else str(one.worst_beyond_ratio),
            rejecting_count=one.rejecting_count, power_triple_ratio=str(one.power_triple_ratio),
            power_fivefold_ratio=str(one.power_fivefold_ratio), is_rejected=one.is_rejected,
        )  # fmt: skip


class StruckHaircutOut(Struct, frozen=True, kw_only=True):
    """A haircut on record in the month; `quantity_t` is None where a person asked for it."""

    business_date: str
    unit: str
    quantity_t: int | None
    haircut_ratio: str
    binding: str
    decision_id: str


class PeerLevelOut(Struct, frozen=True, kw_only=True):
    """What a clearing house published, a dated fact: never a haircut here."""

    name: str
    haircut_ratio: str
    valid_from: str
    document: str
    grade: str
    confirmed: bool
    note: str


class HaircutFindingOut(Struct, frozen=True, kw_only=True):
    """What the data can or cannot say."""

    text_zh: str
    text_en: str


class HaircutReportOut(Struct, frozen=True, kw_only=True):
    """A monthly report: the haircut with its components, what was struck, exceedances, sensitivity, peers."""

    decision_id: str
    policy: str
    month: str
    as_of: str
    unit: str
    quantity_t: int
    haircut_ratio: str
    is_accepted: bool
    binding: str
    components: list[HaircutComponentOut]
    struck: list[StruckHaircutOut]
    exceedances: list[ExceedancesOut]
    unseen_count: int
    sensitivities: list[SensitivityOut]
    peers: list[PeerLevelOut]
    findings: list[HaircutFindingOut]

    @classmethod
    def of(cls, inputs: HaircutReportInputs, outcome: HaircutReportOutcome, decision_id: str) -> "HaircutReportOut":
        """Copy the domain values."""
        stack = outcome.stack
        return cls(
            decision_id=decision_id, policy=inputs.policy, month=inputs.month, as_of=inputs.as_of.isoformat(),
            unit=inputs.facts.unit, quantity_t=inputs.facts.quantity_t, haircut_ratio=str(stack.haircut_ratio),
            is_accepted=stack.is_accepted, binding=stack.binding.value,
            components=[HaircutComponentOut.of(one) for one in stack.components],
            struck=[
                StruckHaircutOut(
                    business_date=one.day.isoformat(), unit=one.unit, quantity_t=one.quantity_t,
                    haircut_ratio=str(one.haircut_ratio), binding=one.binding.value, decision_id=one.decision_id,
                )
                for one in inputs.struck
            ],
            exceedances=[ExceedancesOut.of(one) for one in outcome.tested],
            unseen_count=outcome.unseen_count,
            sensitivities=[
                SensitivityOut(
                    name=one.name, label_zh=one.label_zh, label_en=one.label_en,
                    haircut_ratio=str(one.haircut_ratio), is_accepted=one.is_accepted,
                )
                for one in outcome.sensitivities
            ],
            peers=[
                PeerLevelOut(
                    name=one.scope, haircut_ratio=str(one.decimal), valid_from=one.valid_from.isoformat(),
                    document=one.document, grade=one.grade.value, confirmed=one.confirmed, note=one.note,
                )
                for one in inputs.peers
            ],
            findings=[HaircutFindingOut(text_zh=zh, text_en=en) for zh, en in outcome.findings],
        )  # fmt: skip


class HaircutReportHeadOut(Struct, frozen=True, kw_only=True):
    """A report in a list."""

    decision_id: str
    as_of: str
    made_by: str
    known_at: str

    @classmethod
    def of(cls, head: DecisionHead) -> "HaircutReportHeadOut":
        """Copy the domain value."""
        return cls(
            decision_id=head.id, as_of=head.valid_on.isoformat(), made_by=head.actor_name,
            known_at=head.known_at.isoformat(),
        )  # fmt: skip


class HaircutReportListOut(Struct, frozen=True, kw_only=True):
    """Reports of a class, the newest first."""

    reports: list[HaircutReportHeadOut]


def report_out(report: HaircutReport) -> HaircutReportOut:
    """Give a kept report."""
    return HaircutReportOut.of(report.inputs, report.outcome, report.record.id)
