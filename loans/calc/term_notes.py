"""The notes a term sheet needs: formula, provisional days, methods, and each unconfirmed input by name."""

from dataclasses import dataclass

from carbonfin.rules.trace import Figure
from loans.calc.contracts.schedule import RepaymentSchedule
from loans.calc.contracts.terms import AccrualDates
from loans.calc.financed import FinancedEmissions
from loans.calc.ratings.carbon_efficiency import METHOD_ZH, CarbonRating
from loans.calc.term_requests import LoanRequest
from loans.calc.term_resets import OfferedResets

PAYMENT_DATE = "payment_date."


@dataclass(frozen=True, slots=True, kw_only=True)
class TermNote:
    """A note in both languages; `unconfirmed` speaks of an input nobody has confirmed (未确认)."""

    zh: str
    en: str
    unconfirmed: bool = False


def term_notes(
    *,
    request: LoanRequest,
    schedule: RepaymentSchedule | None,
    rating: CarbonRating | None,
    financed: tuple[FinancedEmissions, ...],
    resets: OfferedResets | None,
    trace: tuple[Figure, ...],
) -> tuple[TermNote, ...]:
    """Give the notes the lines need: formula, provisional rows, methods, and each unconfirmed input by name."""
    notes = [
        TermNote(
            zh="执行利率 = max(LPR + 加减点 + 利率优惠, 综合利率下限)；"
            "利率优惠 = −min(封顶, 超出基准分值的分数 × 每分优惠)。",
            en="executed rate = max(LPR + margin + concession, floor); "
            "concession = -min(cap, points over the base x BP a point).",
        ),
        TermNote(
            zh=f"利息按 {request.basis.value} 计，起息日计入、付息日不计入，逐期四舍五入到分；"
            "合计为各期之和，末期承担本金余数。",
            en="Interest is rounded half up to the fen row by row; totals are sums of rows; "
            "the last row takes the remainder.",
        ),
    ]
    if resets is not None and resets.first is not None:
        notes.append(
            TermNote(
                zh=f"利率浮动：还款计划、利息合计与节省利息均按起息日执行利率计至到期日；"
                f"自首个重定价日 {resets.first} 起以重定价后利率为准。",
                en="The rate floats: schedule, interest total and saving run to maturity at the rate of the drawdown; "
                f"from the first reset on {resets.first} the rate then decided counts.",
            )
        )
    if schedule is not None and schedule.provisional_from is not None:
        notes.append(
            TermNote(
                zh="标“节假日安排未公布”的还款日为合同原日期，待国务院办公厅公布当年放假安排后重新顺延，金额不变。"
                if request.accrual_dates is AccrualDates.UNADJUSTED
                else "标“节假日安排未公布”的还款日为合同原日期，待公布当年放假安排后重新顺延并重算利息。",
                en="Marked payment days are contractual days, moved again once the year's holiday notice is published.",
            )
        )
    if rating is not None:
        notes.append(
            TermNote(
                zh=f"碳效对照为{METHOD_ZH}，参照浙江工业碳效码公开阈值，两年用同一电网因子；贷款利率只依据外部碳评级报告。",
                en="The efficiency figures are the system's own; the rate follows the outside report only.",
            )
        )
    if financed:
        notes.append(
            TermNote(
                zh="融资排放按人民银行指南（分母主营业务收入）与 PCAF（分母权益加债务）分别列示，不得相加。",
                en="Financed emissions by the PBoC guide and by PCAF have different denominators: never add them.",
            )
        )
    facts = unconfirmed_facts(trace)
    words = zip(unconfirmed_words(facts), unconfirmed_words_en(facts), strict=True)
    notes += [TermNote(zh=f"未确认：{zh}", en=f"unconfirmed: {en}", unconfirmed=True) for zh, en in words]
    return tuple(notes)


def unconfirmed_words(facts: tuple[Figure, ...]) -> tuple[str, ...]:
    """Say the unconfirmed facts in Chinese, values of one kind and source together."""
    return tuple(
        f"{group[0].label_zh} {'、'.join(fact.value for fact in group)}（{group[0].source or group[0].note_zh}）"
        for group in _of_one_kind(facts)
    )


def unconfirmed_words_en(facts: tuple[Figure, ...]) -> tuple[str, ...]:
    """Say the unconfirmed facts in English, values of one kind and source together."""
    return tuple(
        f"{group[0].label_en} {', '.join(fact.value for fact in group)} ({group[0].source or group[0].note_en})"
        for group in _of_one_kind(facts)
    )


def _of_one_kind(facts: tuple[Figure, ...]) -> list[list[Figure]]:
    groups: dict[tuple[str, str], list[Figure]] = {}
    for fact in facts:
        groups.setdefault((fact.label_zh, fact.source or fact.note_zh), []).append(fact)
    return list(groups.values())


def unconfirmed_facts(trace: tuple[Figure, ...]) -> tuple[Figure, ...]:
    """Give the unconfirmed figures, each fact once; provisional payment days are marked in their rows instead."""
    facts: dict[tuple[str, str, str], Figure] = {}
    for figure in trace:
        if not figure.confirmed and not figure.name.startswith(PAYMENT_DATE):
            facts.setdefault((figure.label_zh, figure.value, figure.source), figure)
    return tuple(facts.values())


def unconfirmed_behind(trace: tuple[Figure, ...]) -> dict[str, tuple[Figure, ...]]:
    """Give, for each figure, the unconfirmed facts it is or comes from, each once."""
    behind: dict[str, tuple[Figure, ...]] = {}
    for figure in trace:
        found = {fact.name: fact for name in figure.inputs for fact in behind.get(name, ())}
        if not figure.confirmed and not figure.name.startswith(PAYMENT_DATE):
            found[figure.name] = figure
        if found:
            behind[figure.name] = unconfirmed_facts(tuple(found.values()))
    return behind
