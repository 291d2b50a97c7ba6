"""The criteria of a scheme, one by one: met, not met or unknown, each with its clause."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from carbonfin.kernel.dates import china_day
from reporting.calc.dedup import OVERLAP_TITLES, DuplicatePair
from reporting.calc.documents import missing_documents, titles_en, titles_zh
from reporting.calc.facts import LoanStatus, SubsidyApplication
from reporting.calc.read_terms import ReadTerms, china_minute
from reporting.calc.schemes import Term

YES = "yes"


class Answer(StrEnum):
    """How a criterion was answered; `unknown` never helps the applicant."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"

    __hash__ = str.__hash__  # the enumeration's own asks Python code at each look-up


ANSWER_TITLES: dict[Answer, tuple[str, str]] = {
    Answer.MET: ("满足", "Met"),
    Answer.NOT_MET: ("不满足", "Not met"),
    Answer.UNKNOWN: ("未知", "Unknown"),
}


class Criterion(StrEnum):
    """The criteria this system can test."""

    IN_FORCE = "in_force"
    AMOUNT_TERMS = "amount_terms"
    WINDOW = "window"
    KEY_EMITTER = "key_emitter"
    SETTLED = "settled"
    COSTS_PAID = "costs_paid"
    ANNOUNCEMENT = "announcement"
    DOCUMENTS = "documents"
    NOT_CLAIMED = "not_claimed"
    STACKING = "stacking"
    DISTRICT = "district"
    SIZE = "size"
    FORM = "form"
    STANDING = "standing"
    AFFILIATES = "affiliates"
    YEARS = "years"

    __hash__ = str.__hash__  # the enumeration's own asks Python code at each look-up


CRITERION_TITLES: dict[Criterion, tuple[str, str]] = {
    Criterion.IN_FORCE: ("项目在申报日有效", "Scheme in force on the day of filing"),
    Criterion.AMOUNT_TERMS: ("资助基数与比例已确认", "Base and rate of the grant are known"),
    Criterion.WINDOW: ("在申报期内提交", "Filed within the window"),
    Criterion.KEY_EMITTER: ("融资年度为重点排放单位", "Key emitting entity in the year of the financing"),
    Criterion.SETTLED: ("贷款已结清", "Loan settled"),
    Criterion.COSTS_PAID: ("费用已实际支付", "Costs actually paid"),
    Criterion.ANNOUNCEMENT: ("有碳配额质押公告", "Pledge announced on the bureau's web site"),
    Criterion.DOCUMENTS: ("申报材料齐全", "File complete"),
    Criterion.NOT_CLAIMED: ("同一费用未重复申报", "The same cost was not claimed before"),
    Criterion.STACKING: ("与其他项目叠加", "Stacking with other schemes"),
    Criterion.DISTRICT: ("在适用区域内", "In a district of the scheme"),
    Criterion.SIZE: ("企业规模符合", "Of a size the scheme is for"),
    Criterion.FORM: ("融资形式符合", "A form of financing the scheme is for"),
    Criterion.STANDING: ("无不予资助情形", "Nothing disqualifies the applicant"),
    Criterion.AFFILIATES: ("所属集团已说明", "Its group is stated"),
    Criterion.YEARS: ("未超过最长年限", "Within the years at most"),
}
LATER_CRITERIA = frozenset(
    {
        Criterion.DISTRICT, Criterion.SIZE, Criterion.FORM, Criterion.STANDING, Criterion.AFFILIATES, Criterion.YEARS,
    }
)  # fmt: skip
"""Criteria that tables written before them do not ask: they bind beside such a table, as the scheme's terms say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionResult:
    """One criterion answered.

    Attributes:
        clause: Document and article it stands on.
        found_zh: What was found, in Chinese.
        lacks_parameter: Unknown because a rule was not read, not because the file lacks a fact.
    """

    criterion: Criterion
    answer: Answer
    clause: str
    found_zh: str
    found_en: str
    lacks_parameter: bool = False


def criteria_of(
    application: SubsidyApplication, terms: ReadTerms, pairs: tuple[DuplicatePair, ...]
) -> tuple[CriterionResult, ...]:
    """Answer each criterion that the scheme's read terms hold, in the order a clerk reads a file.

    Args:
        application: The file.
        terms: The scheme's terms on the day of filing.
        pairs: Collisions with earlier applications.
    """
    filed_on = china_day(application.submitted_at)
    results = [_in_force(filed_on, terms), _amount_terms(terms), _window(application, terms)]
    if _asks(terms, Term.KEY_EMITTER_ONLY):
        results.append(_key_emitter(application, terms))
    if _asks(terms, Term.SETTLED_ONLY):
        results.append(_settled(application, terms, filed_on))
    results.append(_costs_paid(application, terms, filed_on))
    if _asks(terms, Term.ANNOUNCEMENT_REQUIRED):
        results.append(_announcement(application, terms))
    results += [_documents(application, terms), _not_claimed(terms, pairs)]
    if any(not pair.same_scheme for pair in pairs):
        results.append(_stacking(terms, pairs))
    return tuple(results)


def _asks(terms: ReadTerms, term: Term) -> bool:
    value = terms.find(term)
    return value is not None and value.value == YES


def _in_force(day: date, terms: ReadTerms) -> CriterionResult:
    title = terms.find(Term.TITLE)
    if title is None:
        return CriterionResult(
            criterion=Criterion.IN_FORCE,
            answer=Answer.NOT_MET,
            clause=terms.clause(Term.TITLE),
            found_zh=f"{day} 无有效条款",
            found_en=f"no terms in force on {day}",
        )
    return CriterionResult(
        criterion=Criterion.IN_FORCE,
        answer=Answer.MET,
        clause=terms.clause(Term.TITLE),
        found_zh=f"{title.value}，自 {title.valid_from} 起",
        found_en=f"in force from {title.valid_from}",
    )


def _amount_terms(terms: ReadTerms) -> CriterionResult:
    missing = [] if terms.is_known(Term.BASIS) else ["资助基数"]
    if not terms.is_known(Term.RATE) and not terms.tiers:
        missing.append("资助比例")
    if terms.vat_rate is None:
        missing.append("增值税税率")
    return CriterionResult(
        criterion=Criterion.AMOUNT_TERMS,
        answer=Answer.UNKNOWN if missing else Answer.MET,
        clause=terms.clause(Term.RATE_TIERS if terms.tiers else Term.RATE),
        found_zh="、".join(missing) + "未确认" if missing else "均有依据",
        found_en="base, rate or VAT rate not read" if missing else "known",
        lacks_parameter=bool(missing),
    )


def _window(application: SubsidyApplication, terms: ReadTerms) -> CriterionResult:
    window = terms.window
    if window is None:
        return CriterionResult(
            criterion=Criterion.WINDOW,
            answer=Answer.UNKNOWN,
            clause=terms.clause(Term.WINDOW_OPENS),
            found_zh="申报期未确认",
            found_en="window not read",
            lacks_parameter=True,
        )
    opens, closes = window
    inside = opens <= application.submitted_at <= closes
    filed = china_minute(application.submitted_at)
    return CriterionResult(
        criterion=Criterion.WINDOW,
        answer=Answer.MET if inside else Answer.NOT_MET,
        clause=terms.clause(Term.WINDOW_OPENS),
        found_zh=f"{filed} 提交，申报期 {terms.window_zh}" + ("" if inside else "，不在申报期内"),
        found_en=f"filed {filed}",
    )


def _key_emitter(application: SubsidyApplication, terms: ReadTerms) -> CriterionResult:
    answer, zh, en = {
        True: (Answer.MET, "是重点排放单位", "yes"),
        False: (Answer.NOT_MET, "不是重点排放单位", "no"),
        None: (Answer.UNKNOWN, "未说明是否为重点排放单位", "not stated"),
    }[application.key_emitter]
    clause = terms.clause(Term.KEY_EMITTER_ONLY)
    return CriterionResult(criterion=Criterion.KEY_EMITTER, answer=answer, clause=clause, found_zh=zh, found_en=en)


def _settled(application: SubsidyApplication, terms: ReadTerms, filed_on: date) -> CriterionResult:
    note = application.loan_note
    answer, zh, en = Answer.UNKNOWN, "结清情况不明", "not known"
    if note.status is LoanStatus.RUNNING:
        answer, zh, en = Answer.NOT_MET, "未结清", "still running"
    elif note.status is LoanStatus.SETTLED and note.settled_on is not None:
        if note.settled_on <= filed_on:
            answer, zh, en = Answer.MET, f"{note.settled_on} 结清", f"settled on {note.settled_on}"
        else:
            answer, zh, en = Answer.NOT_MET, f"{note.settled_on} 结清，晚于申报日，申报时未结清", "settled after filing"
    clause = terms.clause(Term.SETTLED_ONLY)
    return CriterionResult(criterion=Criterion.SETTLED, answer=answer, clause=clause, found_zh=zh, found_en=en)


def _costs_paid(application: SubsidyApplication, terms: ReadTerms, filed_on: date) -> CriterionResult:
    vouchers = application.vouchers
    unknown = [voucher.number for voucher in vouchers if voucher.paid_on is None]
    late = [voucher.number for voucher in vouchers if voucher.paid_on is not None and voucher.paid_on > filed_on]
    answer, zh, en = Answer.MET, f"{len(vouchers)} 张费用支出凭证", f"{len(vouchers)} vouchers"
    if not vouchers:
        answer, zh, en = Answer.UNKNOWN, "没有费用支出凭证", "no voucher in the file"
    elif late:
        answer, zh, en = Answer.NOT_MET, f"凭证 {'、'.join(late)} 在申报日之后支付", "paid after filing"
    elif unknown:
        answer, zh, en = Answer.UNKNOWN, f"凭证 {'、'.join(unknown)} 无支付日", "day of payment not stated"
    clause = terms.clause(Term.BASIS)
    return CriterionResult(criterion=Criterion.COSTS_PAID, answer=answer, clause=clause, found_zh=zh, found_en=en)


def _announcement(application: SubsidyApplication, terms: ReadTerms) -> CriterionResult:
    announcement = application.announcement
    answer, zh, en = Answer.UNKNOWN, "未提供质押公告", "not in the file"
    if announcement is not None and announcement.address and announcement.published_on is not None:
        answer, zh = Answer.MET, f"{announcement.number}，{announcement.published_on} 发布"
        en = f"{announcement.number}, published {announcement.published_on}"
    elif announcement is not None:
        zh, en = f"{announcement.number} 缺网址或发布日期", "address or day of publication missing"
    clause = terms.clause(Term.ANNOUNCEMENT_REQUIRED)
    return CriterionResult(criterion=Criterion.ANNOUNCEMENT, answer=answer, clause=clause, found_zh=zh, found_en=en)


def _documents(application: SubsidyApplication, terms: ReadTerms) -> CriterionResult:
    required = terms.required_documents
    clause = terms.clause(Term.DOCUMENTS)
    if required is None:
        return CriterionResult(
            criterion=Criterion.DOCUMENTS,
            answer=Answer.UNKNOWN,
            clause=clause,
            found_zh="材料清单未确认",
            found_en="list of documents not read",
            lacks_parameter=True,
        )
    missing = missing_documents(required, application.documents)
    return CriterionResult(
        criterion=Criterion.DOCUMENTS,
        answer=Answer.UNKNOWN if missing else Answer.MET,
        clause=clause,
        found_zh=f"缺：{titles_zh(missing)}" if missing else f"{len(required)} 类材料齐全",
        found_en=f"missing: {titles_en(missing)}" if missing else f"all {len(required)} kinds present",
    )


def not_claimed_words(pairs: tuple[DuplicatePair, ...]) -> tuple[str, str]:
    """Say what was found of costs claimed before under the same scheme."""
    same = [pair for pair in pairs if pair.same_scheme]
    zh = "；".join(f"与 {pair.earlier_reference} {OVERLAP_TITLES[pair.reason][0]}" for pair in same)
    en = "; ".join(f"{OVERLAP_TITLES[pair.reason][1]} as {pair.earlier_reference}" for pair in same)
    return zh or "未发现重复", en or "none found"


def stacking_words(pairs: tuple[DuplicatePair, ...], answer: Answer) -> tuple[str, str]:
    """Say what was found of the same cost claimed under other schemes."""
    references = "、".join(sorted({pair.earlier_reference for pair in pairs if not pair.same_scheme}))
    ending = {Answer.UNKNOWN: "叠加规则未确认", Answer.NOT_MET: "不得叠加", Answer.MET: "可叠加"}[answer]
    return f"同一费用另有申请 {references}，{ending}", f"the same cost is claimed by {references}: {answer}"


def _not_claimed(terms: ReadTerms, pairs: tuple[DuplicatePair, ...]) -> CriterionResult:
    found_zh, found_en = not_claimed_words(pairs)
    return CriterionResult(
        criterion=Criterion.NOT_CLAIMED,
        answer=Answer.NOT_MET if any(pair.same_scheme for pair in pairs) else Answer.MET,
        clause=terms.clause(Term.TITLE),
        found_zh=found_zh,
        found_en=found_en,
    )


def _stacking(terms: ReadTerms, pairs: tuple[DuplicatePair, ...]) -> CriterionResult:
    others = {pair.earlier_scheme for pair in pairs if not pair.same_scheme}
    value = terms.find(Term.STACKING)
    answer = Answer.UNKNOWN
    if value is not None:
        answer = Answer.MET if others <= set(value.value.split(",")) else Answer.NOT_MET
    found_zh, found_en = stacking_words(pairs, answer)
    return CriterionResult(
        criterion=Criterion.STACKING,
        answer=answer,
        clause=terms.clause(Term.STACKING),
        found_zh=found_zh,
        found_en=found_en,
        lacks_parameter=value is None,
    )
