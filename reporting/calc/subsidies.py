"""Decide one subsidy application: outcome, amount to the fen, criteria, duplicates and trace."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.dates import china_day
from carbonfin.kernel.units import cny
from carbonfin.rules.record import ADDED_LATER, DecisionKind
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.trace import Trace, checked_trace
from carbonfin.rules.whole_trace import TableAsked
from reporting.calc.applicant_criteria import applicant_criteria
from reporting.calc.caps import Cap, caps_of, limited_by
from reporting.calc.costs import FinancingCost, VoucherCost, financing_cost
from reporting.calc.dedup import Claim, DuplicatePair, duplicate_pairs
from reporting.calc.documents import missing_documents
from reporting.calc.eligibility import CRITERION_TITLES, Answer, Criterion, CriterionResult, criteria_of
from reporting.calc.eligibility_table import PaidShare, paid_share, table_facts
from reporting.calc.facts import DocumentKind, SubsidyApplication
from reporting.calc.figures import amount_figures, cost_figures, criterion_figures
from reporting.calc.read_terms import ReadTerms, read_terms
from reporting.calc.schemes import AffiliateRule, Basis, SchemeTerms, Term
from reporting.calc.tiers import tiered_cny

_ZERO = Decimal("0.00")


class Outcome(StrEnum):
    """What becomes of an application."""

    QUALIFIES = "qualifies"
    REFUSED = "refused"
    UNDECIDED = "undecided"
    DUPLICATE = "duplicate"

    __hash__ = str.__hash__  # the enumeration's own asks Python code at each look-up


OUTCOME_TITLES: dict[Outcome, tuple[str, str]] = {
    Outcome.QUALIFIES: ("符合", "Qualifies"),
    Outcome.REFUSED: ("不符合", "Refused"),
    Outcome.UNDECIDED: ("未决定", "Undecided"),
    Outcome.DUPLICATE: ("重复申报", "Duplicate"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsidyInputs:
    """Everything the decision needs.

    Attributes:
        application: The file as filed.
        terms: The scheme's terms on the day of filing, as known when deciding.
        earlier: Claims of applications filed earlier that were not refused.
        granted_this_year_cny: Already granted to the applicant under this scheme this year.
        share_table: Says what share of the grant is paid; None in decisions made before there was such a table.
        granted_to_project_cny: Granted for the loan contract in all years; None where the scheme caps no project.
        granted_in_all_cny: Already granted to the applicant in all years; None where the scheme does not cap that.
        granted_years: Years of filing in which the applicant stands with a grant; None where no years are limited.
    """

    application: SubsidyApplication
    terms: SchemeTerms
    earlier: tuple[Claim, ...]
    granted_this_year_cny: Decimal
    share_table: RecordedTable | None = field(default=None, metadata=ADDED_LATER)
    granted_to_project_cny: Decimal | None = field(default=None, metadata=ADDED_LATER)
    granted_in_all_cny: Decimal | None = field(default=None, metadata=ADDED_LATER)
    granted_years: tuple[int, ...] | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsidyDecision:
    """The decision on one application.

    Attributes:
        calculated_cny: 测算金额, by the terms that were read; None unless the application qualifies.
        proposed_cny: 拟资助金额, None while a limiting term (conditions, cap) is not known: it might be too large.
        reason_zh: One line for the report.
        unconfirmed_zh: What a person must still confirm.
        vouchers: The vouchers split; empty while the VAT rate is not known.
    """

    outcome: Outcome
    reason_zh: str
    reason_en: str
    criteria: tuple[CriterionResult, ...]
    pairs: tuple[DuplicatePair, ...]
    missing_documents: tuple[DocumentKind, ...]
    unconfirmed_zh: tuple[str, ...]
    vouchers: tuple[VoucherCost, ...]
    gross_cny: Decimal | None
    vat_cny: Decimal | None
    net_cny: Decimal | None
    calculated_cny: Decimal | None
    cut_zh: str
    proposed_cny: Decimal | None
    trace: Trace


def decide_subsidy(inputs: SubsidyInputs) -> SubsidyDecision:
    """Decide one application."""
    return decide_with(read_terms(inputs.terms), inputs)


def decide_with(terms: ReadTerms, inputs: SubsidyInputs) -> SubsidyDecision:
    """Decide one application by the terms of its scheme, read before.

    A criterion that is not met refuses; one that is unknown leaves it undecided, without an amount. Nothing missing
    ever raises an amount: while a limiting term (cap, conditions) is unread the amount is worked out, not proposed.
    """
    application = inputs.application
    pairs, criteria = _found(terms, inputs)
    said = None if inputs.share_table is None else paid_share(application.scheme, criteria, inputs.share_table)
    outcome = _outcome(criteria, pairs, said)
    reason_zh, reason_en = reason_words(outcome, criteria, said)
    cost: FinancingCost | None = None
    if terms.vat_rate is not None:
        cost = financing_cost(application.vouchers, vat_rate=terms.vat_rate)
    calculated = proposed = None
    cut_zh = ""
    figures = cost_figures(application, terms, cost)
    if outcome is Outcome.QUALIFIES:
        assert cost is not None, "without a VAT rate an application is undecided"
        calculated = _calculated(application, terms, cost, share=None if said is None else said.share)
        caps = _caps(terms, inputs)
        limited, cut_zh = limited_by(calculated, caps)
        proposed = limited if terms.are_limits_read else None
        figures += amount_figures(
            terms,
            calculated_cny=calculated,
            caps=caps,
            proposed_cny=proposed,
            unconfirmed=terms.unconfirmed,
        )
    required = terms.required_documents
    return SubsidyDecision(
        outcome=outcome,
        reason_zh=reason_zh,
        reason_en=reason_en,
        criteria=criteria,
        pairs=pairs,
        missing_documents=missing_documents(required or (), application.documents),
        unconfirmed_zh=terms.unconfirmed,
        vouchers=cost.vouchers if cost else (),
        gross_cny=sum((voucher.gross_cny for voucher in application.vouchers), _ZERO),
        vat_cny=cost.vat_cny if cost else None,
        net_cny=cost.net_cny if cost else None,
        calculated_cny=calculated,
        cut_zh=cut_zh,
        proposed_cny=proposed,
        trace=checked_trace([*figures, *criterion_figures(criteria), *(() if said is None else (said.figure,))]),
    )


def _found(terms: ReadTerms, inputs: SubsidyInputs) -> tuple[tuple[DuplicatePair, ...], tuple[CriterionResult, ...]]:
    """Give the collisions of an application and the answers to the criteria that the scheme asks for."""
    application, rules = inputs.application, terms.lists[Term.AFFILIATES]
    pairs = duplicate_pairs(application, inputs.earlier, once_a_group=AffiliateRule.ONCE_A_YEAR in rules)
    own = applicant_criteria(
        application, terms, filed_on=china_day(application.submitted_at), granted_years=inputs.granted_years
    )
    return pairs, (*criteria_of(application, terms, pairs), *own)


def _caps(terms: ReadTerms, inputs: SubsidyInputs) -> tuple[Cap, ...]:
    return caps_of(
        terms,
        this_year_cny=inputs.granted_this_year_cny,
        to_project_cny=inputs.granted_to_project_cny,
        in_all_cny=inputs.granted_in_all_cny,
    )


def reason_words(outcome: Outcome, criteria: tuple[CriterionResult, ...], said: PaidShare | None) -> tuple[str, str]:
    """Say in Chinese and English why an application comes out as it does."""
    if outcome is Outcome.QUALIFIES:
        return "符合", "qualifies under the terms that were read"
    wanted = Answer.UNKNOWN if outcome is Outcome.UNDECIDED else Answer.NOT_MET
    results = [result for result in criteria if result.answer is wanted]
    if outcome is Outcome.DUPLICATE:
        results = [result for result in results if result.criterion is Criterion.NOT_CLAIMED]
    found_zh = "；".join(result.found_zh for result in results)
    found_en = "; ".join(f"{CRITERION_TITLES[result.criterion][1]}: {result.found_en}" for result in results)
    if outcome is Outcome.DUPLICATE:
        return f"重复申报：{found_zh}", f"duplicate: {found_en}"
    if outcome is Outcome.REFUSED:
        by_row = "" if said is None or results else said.figure.value
        zh, en = (
            (f"贴息资格表第 {by_row} 行", f"row {by_row} of the eligibility table") if by_row else (found_zh, found_en)
        )
        return f"不符合：{zh}", f"refused: {en}"
    lacks_parameter = any(result.lacks_parameter for result in results)
    cause_zh, cause_en = (
        ("参数未确认", "parameter not confirmed") if lacks_parameter else ("材料待补", "file incomplete")
    )
    return f"未决定：{cause_zh}（{found_zh}）", f"undecided, {cause_en}: {found_en}"


def tables_asked(inputs: SubsidyInputs) -> tuple[TableAsked, ...]:
    """Give the table the outcome rests on with what it was asked; none in decisions made before there was one."""
    if inputs.share_table is None:
        return ()
    _, criteria = _found(read_terms(inputs.terms), inputs)
    return (TableAsked(table=inputs.share_table, facts=table_facts(inputs.application.scheme, criteria)),)


SUBSIDY_DECISION = DecisionKind(
    name="reporting.subsidy", version="1", inputs=SubsidyInputs, outputs=SubsidyDecision, decide=decide_subsidy
)


def _outcome(
    criteria: tuple[CriterionResult, ...], pairs: tuple[DuplicatePair, ...], said: PaidShare | None
) -> Outcome:
    if any(pair.same_scheme for pair in pairs):
        return Outcome.DUPLICATE
    if said is not None:
        return _outcome_by_table(criteria, said)
    answers = {result.answer for result in criteria}
    if Answer.NOT_MET in answers:
        return Outcome.REFUSED
    return Outcome.UNDECIDED if Answer.UNKNOWN in answers else Outcome.QUALIFIES


def _outcome_by_table(criteria: tuple[CriterionResult, ...], said: PaidShare) -> Outcome:
    """Give the outcome of a share; whatever a table says, without base and rate there is no amount."""
    if said.share is None:
        return Outcome.UNDECIDED
    if not said.share:
        return Outcome.REFUSED
    has_amount = all(result.answer is Answer.MET for result in criteria if result.criterion is Criterion.AMOUNT_TERMS)
    return Outcome.QUALIFIES if has_amount else Outcome.UNDECIDED


def _calculated(
    application: SubsidyApplication, terms: ReadTerms, cost: FinancingCost, *, share: Decimal | None
) -> Decimal:
    assert terms.basis is not None, "checked by the criterion amount_terms"
    base_cny = {
        Basis.FINANCING_COST_NET_OF_VAT: cost.net_cny,
        Basis.PRINCIPAL: application.loan_note.principal_cny,
    }[terms.basis]
    paid = Decimal(1) if share is None else share
    if terms.tiers:
        return tiered_cny(base_cny, terms.tiers, share=paid)
    assert terms.rate is not None, "checked by the criterion amount_terms"
    return cny(base_cny * terms.rate * paid)
