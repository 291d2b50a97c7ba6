"""A sustainability link (可持续挂钩条款) of a loan contract as two people signed it, and the events of its life."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.states import Machine
from loans.calc.facilities.terms import require_words
from loans.calc.linked.indicators import TARGETS_MAX, KeyPerformanceIndicator, ObservationDate
from loans.calc.linked.ratchets import MarginRatchet, RatchetForm

KPIS_MAX = 10


class Assurance(StrEnum):
    """How far a verifier stands behind a report (核查保证程度)."""

    LIMITED = "limited"
    REASONABLE = "reasonable"


ASSURANCE_ZH: dict[Assurance, str] = {Assurance.LIMITED: "有限保证", Assurance.REASONABLE: "合理保证"}
ASSURANCE_EN: dict[Assurance, str] = {Assurance.LIMITED: "limited", Assurance.REASONABLE: "reasonable"}


class LinkState(StrEnum):
    """Where a link stands."""

    NEW = "new"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DECLASSIFIED = "declassified"


class LinkEvent(StrEnum):
    """What two people can sign in a link's life."""

    SIGN = "sign"
    AMEND = "amend"
    REBASELINE = "re-baseline"
    SUSPEND = "suspend"
    RESUME = "resume"
    DECLASSIFY = "declassify"


EVENTS_ZH: dict[LinkEvent, str] = {
    LinkEvent.SIGN: "签订", LinkEvent.AMEND: "可持续修订", LinkEvent.REBASELINE: "再基准",
    LinkEvent.SUSPEND: "中止挂钩",
    LinkEvent.RESUME: "恢复挂钩", LinkEvent.DECLASSIFY: "取消挂钩",
}  # fmt: skip
EVENTS_EN: dict[LinkEvent, str] = {
    LinkEvent.SIGN: "signed", LinkEvent.AMEND: "amended", LinkEvent.REBASELINE: "re-baselined",
    LinkEvent.SUSPEND: "suspended", LinkEvent.RESUME: "resumed", LinkEvent.DECLASSIFY: "declassified",
}  # fmt: skip

LINK_MACHINE = Machine(
    name="sustainability link",
    name_zh="可持续挂钩条款",
    states={
        LinkState.NEW.value: "未签订", LinkState.ACTIVE.value: "挂钩中", LinkState.SUSPENDED.value: "中止",
        LinkState.DECLASSIFIED.value: "已取消挂钩",
    },
    edges=(
        (LinkState.NEW, LinkEvent.SIGN, LinkState.ACTIVE),
        (LinkState.ACTIVE, LinkEvent.AMEND, LinkState.ACTIVE),
        (LinkState.ACTIVE, LinkEvent.REBASELINE, LinkState.ACTIVE),
        (LinkState.ACTIVE, LinkEvent.SUSPEND, LinkState.SUSPENDED),
        (LinkState.ACTIVE, LinkEvent.DECLASSIFY, LinkState.DECLASSIFIED),
        (LinkState.SUSPENDED, LinkEvent.AMEND, LinkState.SUSPENDED),
        (LinkState.SUSPENDED, LinkEvent.REBASELINE, LinkState.SUSPENDED),
        (LinkState.SUSPENDED, LinkEvent.RESUME, LinkState.ACTIVE),
        (LinkState.SUSPENDED, LinkEvent.DECLASSIFY, LinkState.DECLASSIFIED),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SustainabilityLink:
    """What was agreed.

    Attributes:
        number: 挂钩条款编号, unique within the bank.
        document: The clause or side letter it stands in.
        verifier: Who verifies (核查机构).
        verifier_is_independent: Whether the verifier is neither the borrower nor an affiliate of either party.
        assurance: The least a report must give to count.
        needs_certificate: Whether the borrower's compliance certificate must be there too.
        signed_on: Day of the agreement, and the day its targets were set.
        valid_from: The day from which these terms count.
        step_up_use: What becomes of interest from a step up (上浮利息的去向); empty where nothing is agreed.
        bonus_depends: Whether somebody at the bank is paid by the number of such loans; None is not known.
    """

    number: str
    contract_number: str
    document: str
    kpis: tuple[KeyPerformanceIndicator, ...]
    observations: tuple[ObservationDate, ...]
    ratchet: MarginRatchet
    verifier: str
    verifier_is_independent: bool
    assurance: Assurance
    needs_certificate: bool
    signed_on: date
    valid_from: date
    step_up_use: str
    bonus_depends: bool | None

    def __post_init__(self) -> None:
        """Refuse a link whose KPIs, dates and ratchet do not fit each other."""
        for name, zh in _LINK_WORDS.items():
            require_words(getattr(self, name), name, zh)
        self._require_kpis()
        self._require_observations()
        if self.valid_from < self.signed_on:
            raise InvalidInput(
                f"valid from {self.valid_from}, before it was signed on {self.signed_on}",
                zh=f"生效日 {self.valid_from} 早于签订日 {self.signed_on}", field="valid_from",
            )  # fmt: skip

    def _require_kpis(self) -> None:
        codes = [one.code for one in self.kpis]
        if not 1 <= len(codes) <= KPIS_MAX or len(set(codes)) != len(codes):
            raise InvalidInput(
                f"{len(codes)} KPIs, or two of one code", zh=f"指标须为 1 至 {KPIS_MAX} 项且代码不重复", field="kpis"
            )
        if self.ratchet.form is RatchetForm.KPI_COUNT and len(self.ratchet.steps) != len(codes) + 1:
            raise InvalidInput(
                f"{len(self.ratchet.steps)} steps for {len(codes)} KPIs; write one for each count from 0",
                zh=f"{len(codes)} 项指标须填 {len(codes) + 1} 档调整（达标 0 至 {len(codes)} 项）", field="steps",
            )  # fmt: skip

    def _require_observations(self) -> None:
        numbers = [one.number for one in self.observations]
        if not 1 <= len(numbers) <= TARGETS_MAX or numbers != list(range(1, len(numbers) + 1)):
            raise InvalidInput(
                f"observations are numbered {numbers}", zh=f"观察日须为 1 至 {TARGETS_MAX} 个并依次编号",
                field="observations",
            )  # fmt: skip
        for before, after in pairwise(self.observations):
            if (before.observation_date, before.report_due_date) >= (after.observation_date, after.report_due_date):
                raise InvalidInput(
                    f"observation {after.number} does not come after the one before it",
                    zh=f"第 {after.number} 次观察日须晚于上一次", field="observations",
                )  # fmt: skip
        codes = {one.code for one in self.kpis}
        for one in self.observations:
            named = {target.kpi_code for target in one.targets}
            lacks = self.ratchet.form is RatchetForm.KPI_COUNT and named != codes
            if lacks or not named <= codes:
                raise InvalidInput(
                    f"observation {one.number} has targets for {sorted(named)}, the KPIs are {sorted(codes)}",
                    zh=f"第 {one.number} 次观察的目标须逐一对应指标：{'、'.join(sorted(codes))}", field="targets",
                )  # fmt: skip

    def observation(self, number: int) -> ObservationDate:
        """Give an observation by its number.

        Raises:
            InvalidInput: There is none of that number.
        """
        for one in self.observations:
            if one.number == number:
                return one
        raise InvalidInput(
            f"link {self.number} has no observation {number}", zh=f"挂钩条款 {self.number} 没有第 {number} 次观察",
            field="observation_number", remedy=f"Write 1 to {len(self.observations)}.",
            remedy_zh=f"请填写 1 至 {len(self.observations)}。",
        )  # fmt: skip


_LINK_WORDS = {
    "number": "挂钩条款编号", "contract_number": "合同编号", "document": "挂钩条款所在文件", "verifier": "核查机构",
}  # fmt: skip

LINK_NAMES: Mapping[str, tuple[str, str]] = {
    "number": ("挂钩条款编号", "Link"),
    "contract_number": ("合同编号", "Contract"),
    "link_event": ("事项", "Event"),
    "document": ("所在文件", "Document"),
    "kpis": ("指标", "KPIs"),
    "observations": ("观察日与目标", "Observations and targets"),
    "ratchet": ("利差调整", "Ratchet"),
    "verifier": ("核查机构", "Verifier"),
    "verifier_is_independent": ("核查机构独立", "Verifier is independent"),
    "assurance": ("最低保证程度", "Least assurance"),
    "needs_certificate": ("须有合规证明", "Needs a compliance certificate"),
    "signed_on": ("签订日", "Signed on"),
    "valid_from": ("生效日", "Valid from"),
    "step_up_use": ("上浮利息的去向", "Use of a step up"),
    "bonus_depends": ("绩效与笔数挂钩", "Bonus hangs on such loans"),
    "party": ("借款人", "Borrower"),
    "link_number": ("挂钩条款编号", "Link"),
    "observation_number": ("第几次观察", "Observation"),
    "observation_version": ("认定版次", "Version"),
    "observation_status": ("认定结果", "Status"),
    "why": ("说明", "Why"),
    "report_received_date": ("核查报告收到日", "Report received"),
    "evidence_digest": ("附件摘要", "File's digest"),
    "step_bp": ("本次利差调整（BP）", "Step (bp)"),
    "interim_bp": ("收到前的利差调整（BP）", "Adjustment until it came (bp)"),
    "level_bp": ("认定后利差调整（BP）", "Adjustment after (bp)"),
    "applies_after": ("自此日或以后首个计息期起", "From the first period on or after"),
}
"""Fields of a link in words, for the approval that two people sign."""
