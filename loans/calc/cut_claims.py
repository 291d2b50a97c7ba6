"""Claimed emission cuts (降碳量主张): the cut of a measure in a year is claimed once, by loans and sold credits.

A loan claims the share of the project's yearly cut that the facility's formula gives it; a sold credit (碳普惠, CCER)
claims what was sold. What is claimed of a measure never exceeds its documented cut. Beside it stand the borrower's
financed emissions by the PBoC guide and by PCAF: three figures of three meanings and denominators, never added.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure, checked_trace
from loans.calc.facilities.terms import require_words
from loans.calc.financed import FinancedEmissions, financed_emissions
from loans.calc.missing import MissingField
from loans.calc.rounding import half_up

TONNES_MAX = Decimal(10) ** 9
FIRST_YEAR, LAST_YEAR = 2005, 2099
NEVER_ADDED_ZH = "碳减排支持工具、人行指南、PCAF 三种口径含义与分母不同，不得相加"
NEVER_ADDED_EN = "facility, PBoC guide and PCAF differ in meaning and denominator: never add them"


class ClaimantKind(StrEnum):
    """Who claims a cut."""

    LOAN = "loan"
    PUHUI = "puhui"
    CCER = "ccer"


CLAIMANT_WORDS: Mapping[ClaimantKind, tuple[str, str]] = {
    ClaimantKind.LOAN: ("借据", "loan note"),
    ClaimantKind.PUHUI: ("已售碳普惠减排量", "sold 碳普惠 credit"),
    ClaimantKind.CCER: ("已售 CCER", "sold CCER"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CutClaim:
    """A claim on the cut of one measure of one enterprise in one year.

    Attributes:
        measure: The project or measure by the name its document gives it.
        cut_t: Its whole yearly cut as documented, tCO2e (feasibility study, EIA or recognised assessment).
        claimant: Code of the loan note, or number of the credit.
        sold_t: What was sold, where the claimant is a credit; None for a loan, whose share follows from the formula.
        investment_cny: Project investment, for a loan; None for a credit.
        evidence_digest: The document.
    """

    usci: str
    year: int
    measure: str
    cut_t: Decimal
    claimant_kind: ClaimantKind
    claimant: str
    sold_t: Decimal | None
    investment_cny: Decimal | None
    evidence_digest: str

    def __post_init__(self) -> None:
        """Refuse a claim without measure, claimant or tonnes, and one with the figures of the other kind."""
        require_words(self.measure, "measure", "项目或措施")
        require_words(self.claimant, "claimant", "主张人")
        if not FIRST_YEAR <= self.year <= LAST_YEAR:
            raise InvalidInput(f"year is {self.year}", zh=f"年度须为 {FIRST_YEAR} 至 {LAST_YEAR}", field="year")
        _require_tonnes(self.cut_t, "cut_t", "年度碳减排量")
        is_loan = self.claimant_kind is ClaimantKind.LOAN
        if is_loan == (self.investment_cny is None) or (self.investment_cny is not None and self.investment_cny <= 0):
            raise InvalidInput(
                f"project investment is {self.investment_cny} of a {self.claimant_kind}",
                zh="借据主张须填写大于零的项目总投资，已售减排量不填", field="investment_cny",
                remedy="Enter the investment of the feasibility study for a loan, and none for a credit.",
                remedy_zh="借据按可研报告填写总投资；已售减排量请留空。",
            )  # fmt: skip
        if is_loan != (self.sold_t is None):
            raise InvalidInput(
                f"sold tonnes are {self.sold_t} of a {self.claimant_kind}",
                zh="已售减排量须填写售出吨数；借据的吨数由公式得出，不填", field="sold_t",
                remedy="Enter the tonnes sold of a credit, and none for a loan.",
                remedy_zh="已售减排量填写售出吨数；借据请留空。",
            )  # fmt: skip
        if self.sold_t is not None:
            _require_tonnes(self.sold_t, "sold_t", "售出吨数")

    @property
    def measure_key(self) -> str:
        """The measure's name without blanks and case, by which claims on it meet."""
        return "".join(self.measure.split()).casefold()

    @property
    def measure_of_year(self) -> tuple[str, int, str]:
        """What is claimed once: one measure of one enterprise in one year."""
        return self.usci, self.year, self.measure_key

    def name(self) -> tuple[str, str]:
        """Name the claimant."""
        zh, en = CLAIMANT_WORDS[self.claimant_kind]
        return f"{zh} {self.claimant}", f"{en} {self.claimant}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingClaim:
    """A claim on record."""

    decision_id: str
    claim: CutClaim
    claimed_t: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedLoan:
    """What the formulas take of a loan note."""

    principal_cny: Decimal
    outstanding_cny: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BorrowerYear:
    """Emissions and accounts of the borrower's last year whose emissions are known."""

    year: int
    company_t: int
    revenue_cny: Decimal | None
    equity_plus_debt_cny: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CutClaimInputs:
    """A claim, the claims that stand on the same measure and year, and what the formulas take.

    Attributes:
        loan: None where a credit claims.
        borrower: None where no year's emissions are known, or a credit claims.
    """

    claim: CutClaim
    standing: tuple[StandingClaim, ...]
    loan: ClaimedLoan | None
    borrower: BorrowerYear | None
    decided_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CutClaimed:
    """A claim that stands.

    Attributes:
        claimed_t: Two decimal places; of a loan by the facility's formula, half up.
        left_t: What of the measure's cut nobody claims yet.
        financed: The borrower's emissions attributed to the loan by each method, beside it and never added.
    """

    claim: CutClaim
    claimed_t: Decimal
    left_t: Decimal
    financed: tuple[FinancedEmissions, ...]
    missing: tuple[MissingField, ...]
    trace: tuple[Figure, ...]


def facility_cut_t(*, cut_t: Decimal, loan_cny: Decimal, investment_cny: Decimal) -> Decimal:
    """Give the yearly cut that a loan brings about: project's yearly cut x loan / project investment.

    Source: disclosures under the PBoC facility (碳减排支持工具), read in a reprint; two places, half up.

    Raises:
        InvalidInput: The loan exceeds the investment, which is not above zero, or an amount is negative.
    """
    if not 0 <= loan_cny <= investment_cny or investment_cny == 0 or cut_t < 0:
        raise InvalidInput(
            f"the loan of {loan_cny} and an investment of {investment_cny} give no share",
            zh=f"贷款 {loan_cny:,} 元超过项目总投资 {investment_cny:,} 元，无法按比例主张", field="investment_cny",
            remedy="Enter the investment of the whole project.", remedy_zh="请填写项目总投资。",
        )  # fmt: skip
    return half_up(Fraction(cut_t) * Fraction(loan_cny) / Fraction(investment_cny), places=2)


def decide_cut_claim(inputs: CutClaimInputs) -> CutClaimed:
    """Let a claim stand where the measure's cut has room for it.

    Raises:
        Conflict: The same tonnes are claimed already, the same claimant claims twice, or documents state two cuts of
            one measure; the message names both claims.
        InvalidInput: The loan exceeds the project's investment.
    """
    claim = inputs.claim
    figures = [
        tonnes_figure(
            "cut_t", ("项目年度碳减排量", "Yearly cut of the measure"), claim.cut_t, claim.evidence_digest[:12]
        )
    ]
    claimed_t = _claimed(inputs, figures)
    before_t = sum((one.claimed_t for one in inputs.standing), Decimal("0.00"))
    _require_once(inputs, claimed_t, before_t=before_t)
    left_t = claim.cut_t - before_t - claimed_t
    figures += [
        tonnes_figure("claimed_before_t", ("已被主张", "Claimed before"), before_t, "降碳量登记"),
        Figure(
            name="left_t", label_zh="尚未被主张", label_en="Claimed by nobody yet", value=str(left_t), unit="t",
            formula="cut of the measure - claimed before - this claim",
            inputs=("cut_t", "claimed_before_t", "claimed_t"),
        ),
    ]  # fmt: skip
    financed, missing = _financed(inputs, figures)
    return CutClaimed(
        claim=claim, claimed_t=claimed_t, left_t=left_t, financed=financed, missing=missing,
        trace=checked_trace(figures),
    )  # fmt: skip


def _claimed(inputs: CutClaimInputs, figures: list[Figure]) -> Decimal:
    claim, loan = inputs.claim, inputs.loan
    if claim.sold_t is not None:
        figures.append(tonnes_figure("claimed_t", ("售出减排量", "Sold"), claim.sold_t, claim.name()[0]))
        return claim.sold_t
    assert loan is not None, "a loan's claim comes with the loan"
    assert claim.investment_cny is not None, "and with the investment"
    claimed_t = facility_cut_t(cut_t=claim.cut_t, loan_cny=loan.principal_cny, investment_cny=claim.investment_cny)
    figures += [
        _cny("principal_cny", ("贷款金额", "Loan"), loan.principal_cny, claim.name()[0]),
        _cny("investment_cny", ("项目总投资", "Project investment"), claim.investment_cny, claim.evidence_digest[:12]),
        Figure(
            name="claimed_t", label_zh="贷款带动的年度碳减排量（碳减排支持工具口径）",
            label_en="Yearly cut of the loan (facility)", value=str(claimed_t), unit="t",
            formula="round(yearly cut x loan / project investment, 2)",
            inputs=("cut_t", "principal_cny", "investment_cny"), confirmed=False,
            note_zh="公式据转载，人民银行原文未核对", note_en="the formula was read in a reprint",
        ),
    ]  # fmt: skip
    return claimed_t


def _require_once(inputs: CutClaimInputs, claimed_t: Decimal, *, before_t: Decimal) -> None:
    claim = inputs.claim
    zh, en = claim.name()
    for one in inputs.standing:
        other_zh, other_en = one.claim.name()
        if (one.claim.claimant_kind, one.claim.claimant) == (claim.claimant_kind, claim.claimant):
            raise Conflict(
                f"{en} claims {claim.measure} of {claim.year} already, decision {one.decision_id}",
                zh=f"{zh} 已主张 {claim.year} 年“{claim.measure}”（决定 {one.decision_id[:8]}）", field="claimant",
                remedy="Nothing needs to be claimed again.", remedy_zh="无须重复主张。",
            )  # fmt: skip
        if one.claim.cut_t != claim.cut_t:
            raise Conflict(
                f"{en} states a cut of {claim.cut_t} t of {claim.measure}, {other_en} stands on {one.claim.cut_t} t",
                zh=f"{zh} 所附文件载明减排 {claim.cut_t} 吨，{other_zh} 依据为 {one.claim.cut_t} 吨", field="cut_t",
                remedy="Settle which document holds before anything is claimed.", remedy_zh="请先核定以哪份文件为准。",
            )  # fmt: skip
    if before_t + claimed_t > claim.cut_t:
        others = inputs.standing
        others_zh = "、".join(f"{one.claim.name()[0]}（{one.claimed_t} 吨）" for one in others) or "无"
        others_en = ", ".join(f"{one.claim.name()[1]} ({one.claimed_t} t)" for one in others) or "nobody"
        raise Conflict(
            f"{en} claims {claimed_t} t of {claim.measure} in {claim.year}; of its {claim.cut_t} t {others_en} "
            f"claim {before_t} t already",
            zh=f"{zh} 主张 {claim.year} 年“{claim.measure}”{claimed_t} 吨，该措施共 {claim.cut_t} 吨，"
            f"已由 {others_zh} 主张 {before_t} 吨",
            field="claimant", remedy="One cut is claimed once: claim what is left, or nothing.",
            remedy_zh="同一减排量只能主张一次，最多主张剩余部分。",
        )  # fmt: skip


def _financed(
    inputs: CutClaimInputs, figures: list[Figure]
) -> tuple[tuple[FinancedEmissions, ...], tuple[MissingField, ...]]:
    loan, borrower = inputs.loan, inputs.borrower
    if loan is None:
        return (), ()
    if borrower is None:
        return (), (MissingField.of("emissions", "缺少借款人排放量", "the borrower's emissions"),)
    source = f"企业碳账户 {borrower.year} 年"
    figures += [
        _cny("outstanding_cny", ("贷款余额", "Outstanding"), loan.outstanding_cny, inputs.claim.name()[0]),
        tonnes_figure("company_t", ("借款人排放量", "Emissions of the borrower"), Decimal(borrower.company_t), source),
    ]
    financed, missing, attributed = financed_emissions(
        outstanding_cny=loan.outstanding_cny, company_t=borrower.company_t, revenue_cny=borrower.revenue_cny,
        equity_plus_debt_cny=borrower.equity_plus_debt_cny, outstanding_figure="outstanding_cny",
        emissions_figure="company_t",
    )  # fmt: skip
    figures += attributed
    return financed, missing


def _require_tonnes(tonnes: Decimal, field: str, zh: str) -> None:
    hundredths = tonnes * 100
    if not tonnes.is_finite() or not 0 < tonnes < TONNES_MAX or hundredths != hundredths.to_integral_value():
        raise InvalidInput(f"{field} is {tonnes}", zh=f"{zh}须大于零且最多两位小数", field=field)


def tonnes_figure(name: str, labels: tuple[str, str], value: Decimal, source: str) -> Figure:
    """Give a figure in tonnes with where it comes from."""
    return Figure(name=name, label_zh=labels[0], label_en=labels[1], value=str(value), unit="t", source=source)


def _cny(name: str, labels: tuple[str, str], value: Decimal, source: str) -> Figure:
    return replace(tonnes_figure(name, labels, value, source), unit="CNY")


CUT_CLAIM_NAMES: Mapping[str, tuple[str, str]] = {
    "party": ("企业", "Enterprise"),
    "year": ("年度", "Year"),
    "measure": ("项目或措施", "Project or measure"),
    "cut_t": ("措施年度碳减排量（吨）", "Yearly cut of the measure (t)"),
    "claimant": ("主张人", "Claimant"),
    "claimed_t": ("主张吨数", "Claimed (t)"),
    "investment_cny": ("项目总投资（元）", "Project investment (CNY)"),
    "released_t": ("释放吨数", "Released (t)"),
    "left_t": ("释放后尚未被主张（吨）", "Claimed by nobody then (t)"),
    "evidence_digest": ("依据文件摘要（SHA-256）", "Digest of the document (SHA-256)"),
}
"""The words of each field for those who approve, in the order they are read."""

CUT_CLAIM_KIND: DecisionKind[CutClaimInputs, CutClaimed] = DecisionKind(
    name="loans.cut_claim", version="1", inputs=CutClaimInputs, outputs=CutClaimed, decide=decide_cut_claim
)
