"""The figures behind a subsidy decision, each with its source, rule or formula."""

from decimal import Decimal
from functools import lru_cache

from carbonfin.rules.trace import Figure
from reporting.calc.caps import Cap
from reporting.calc.costs import FinancingCost, VoucherCost
from reporting.calc.eligibility import CRITERION_TITLES, Answer, CriterionResult
from reporting.calc.facts import COST_TITLES, SubsidyApplication
from reporting.calc.read_terms import ReadTerms
from reporting.calc.schemes import LIMITING_TERMS, Basis, Term

_KEPT_MAX = 4096


def cost_figures(application: SubsidyApplication, terms: ReadTerms, cost: FinancingCost | None) -> list[Figure]:
    """Give the figures of the scheme's terms and of the vouchers, up to their totals."""
    figures = [*terms.term_figures]
    figures.append(
        Figure(
            name="principal_cny",
            label_zh="贷款金额",
            label_en="Loan principal",
            value=str(application.loan_note.principal_cny),
            unit="CNY",
            source=f"借据 {application.loan_note.note_number}",
        )
    )
    if cost is None or terms.vat_figure is None:
        return figures
    figures.append(terms.vat_figure)
    for voucher, line in zip(application.vouchers, cost.vouchers, strict=True):
        figures += _voucher_figures(voucher.number, line)
    return [*figures, *_total_figures(cost)]


def _total_figures(cost: FinancingCost) -> list[Figure]:
    totals = (
        ("gross_cny", cost.gross_cny, "融资成本（含税）合计", "Financing cost with VAT, total"),
        ("net_cny", cost.net_cny, "融资成本（不含税）合计", "Financing cost net of VAT, total"),
    )
    sums = [
        Figure(
            name=name,
            label_zh=zh,
            label_en=en,
            value=str(total_cny),
            unit="CNY",
            formula="Σ",
            inputs=tuple(f"{name}.{line.number}" for line in cost.vouchers),
        )
        for name, total_cny, zh, en in totals
    ]
    vat = Figure(
        name="vat_cny",
        label_zh="税额合计",
        label_en="VAT, total",
        value=str(cost.vat_cny),
        unit="CNY",
        formula="gross - net",
        inputs=("gross_cny", "net_cny"),
    )
    return [*sums, vat]


def _voucher_figures(number: str, line: VoucherCost) -> list[Figure]:
    zh, en = COST_TITLES[line.kind]
    gross = Figure(
        name=f"gross_cny.{number}",
        label_zh=f"凭证 {number} {zh}（含税）",
        label_en=f"Voucher {number}, {en} with VAT",
        value=str(line.gross_cny),
        unit="CNY",
        source=f"费用支出凭证 {number}",
    )
    figures, formula, divisor = [gross], "round(gross / (1 + VAT), 2)，四舍五入", "vat_rate"
    if line.vat_stated:
        formula, divisor = "gross - VAT", f"vat_cny.{number}"
        figures.append(
            Figure(
                name=divisor,
                label_zh=f"凭证 {number} 发票税额",
                label_en=f"Voucher {number}, VAT on the invoice",
                value=str(line.vat_cny),
                unit="CNY",
                source=f"发票 {number}",
            )
        )
    net = Figure(
        name=f"net_cny.{number}",
        label_zh=f"凭证 {number} {zh}（不含税）",
        label_en=f"Voucher {number}, {en} net of VAT",
        value=str(line.net_cny),
        unit="CNY",
        formula=formula,
        inputs=(gross.name, divisor),
    )
    return [*figures, net]


def amount_figures(
    terms: ReadTerms,
    *,
    calculated_cny: Decimal,
    caps: tuple[Cap, ...],
    proposed_cny: Decimal | None,
    unconfirmed: tuple[str, ...],
) -> list[Figure]:
    """Give the figures of the amounts; the proposed one only where every limiting term is known."""
    cost_name = "principal_cny" if terms.basis is Basis.PRINCIPAL else "net_cny"
    note = "；".join(unconfirmed)
    calculated = Figure(
        name="calculated_cny",
        label_zh="测算金额",
        label_en="Calculated amount",
        value=str(calculated_cny),
        unit="CNY",
        formula=f"round({'Σ rate × slice' if terms.tiers else f'{cost_name} × rate'}, 2)，四舍五入",
        inputs=(cost_name, Term.RATE_TIERS.value if terms.tiers else Term.RATE.value),
        confirmed=not unconfirmed,
        note_zh=note,
    )
    if proposed_cny is None:
        return [calculated]
    granted = [
        Figure(
            name=cap.name, label_zh=cap.label_zh, label_en=cap.label_en, value=str(cap.granted_cny), unit="CNY",
            source="本系统此前决定",
        )
        for cap in caps
    ]  # fmt: skip
    limits = tuple(cap.term.value for cap in caps if cap.term not in LIMITING_TERMS)
    proposed = Figure(
        name="proposed_cny",
        label_zh="拟资助金额",
        label_en="Proposed grant",
        value=str(proposed_cny),
        unit="CNY",
        formula="min(calculated, cap - granted)",
        inputs=("calculated_cny", *(cap.name for cap in caps), *LIMITING_TERMS, *limits),
        confirmed=not unconfirmed,
        note_zh=note,
    )
    return [calculated, *granted, proposed]


def criterion_figures(criteria: tuple[CriterionResult, ...]) -> list[Figure]:
    """Give one figure a criterion: its answer and what was found."""
    return [_criterion_figure(result) for result in criteria]


@lru_cache(maxsize=_KEPT_MAX)
def _criterion_figure(result: CriterionResult) -> Figure:
    """Give the figure of a criterion; the same is found of very many applications."""
    zh, en = CRITERION_TITLES[result.criterion]
    return Figure(
        name=f"criterion.{result.criterion}",
        label_zh=zh,
        label_en=en,
        value=result.answer,
        unit="code",
        source=result.clause,
        confirmed=result.answer is not Answer.UNKNOWN,
        note_zh=result.found_zh,
        note_en=result.found_en,
    )
