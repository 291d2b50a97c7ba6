"""Payment and cost on a term sheet (支付与成本): way of payment, first payment in capitals, fees and yearly cost.

Sheets drafted before say nothing of them, and their lines are those they always had.
"""

from carbonfin.kernel.units import chinese_capitals
from carbonfin.rules.trace import Figure
from loans.calc.contracts.schedule import RepaymentSchedule
from loans.calc.loan_costs import METHODS, WAYS, CostMethod, CostTerms, annualised_cost_rate
from loans.calc.term_lines import BY_CONTRACT_EN, BY_CONTRACT_ZH, TermGroup, TermLine, amount, percent
from loans.calc.term_requests import LoanRequest

COST_GROUP = "cost"
_NO_FEES = "借款人不承担其他费用", "the borrower bears no other fee"
_NOT_STATED = "借款人承担的费用未填", "the fees the borrower bears are not stated"
_NO_METHOD = "计算方法未录入", "the method is not entered"


def cost_figures(terms: CostTerms, request: LoanRequest, schedule: RepaymentSchedule | None) -> list[Figure]:
    """Give fees, yearly cost and what both rest on as figures of the term sheet's trace."""
    known = (("annualised_cost_method", terms.method), ("entrusted_above_cny", terms.entrusted_above_cny))
    figures = [Figure.of_parameter(name, value) for name, value in known if value is not None]
    if request.fees is None or schedule is None or terms.method is None:
        return figures
    fees_cny = request.fees_cny
    figures.append(
        Figure(
            name="fees_cny", label_zh="费用合计", label_en="Fees", value=str(fees_cny), unit="CNY", source="合同约定",
            note_zh=_fee_words(request), note_en=_fee_words(request),
        )
    )  # fmt: skip
    method = CostMethod(terms.method.value)
    cost = annualised_cost_rate(schedule, fees_cny=fees_cny, method=method)
    zh, en = METHODS[method]
    figures.append(
        Figure(
            name="annualised_cost_rate", label_zh="年化综合融资成本", label_en="Yearly cost with all fees",
            value=str(cost), unit="rate", formula="the yearly rate by the method, fees paid on the drawdown day",
            inputs=("principal_cny", "fees_cny", "interest_total_cny", "annualised_cost_method"), note_zh=zh,
            note_en=en,
        )
    )  # fmt: skip
    return figures


def cost_group(
    terms: CostTerms, request: LoanRequest, schedule: RepaymentSchedule | None, *, unconfirmed: frozenset[str]
) -> TermGroup:
    """Give the lines: by which way the money is paid out, the first payment, and what the loan costs in a year."""
    lines = [_way_line(terms, request)]
    if schedule is not None:
        first = schedule.rows[0]
        lines += [
            ("首期应还（元）", "First payment (CNY)", (amount(first.payment_cny),) * 2, "payment_cny.1"),
            ("首期应还大写", "First payment in capitals", (chinese_capitals(first.payment_cny),) * 2, ""),
            _cost_line(terms, request, schedule),
        ]
    return TermGroup(
        name=COST_GROUP, title_zh="支付与成本", title_en="Payment and cost",
        lines=tuple(
            TermLine(
                label_zh=label_zh, label_en=label_en, value_zh=zh, value_en=en, figure_name=figure,
                unconfirmed=figure in unconfirmed,
            )
            for label_zh, label_en, (zh, en), figure in lines
        ),
    )  # fmt: skip


_Line = tuple[str, str, tuple[str, str], str]


def _way_line(terms: CostTerms, request: LoanRequest) -> _Line:
    way_zh, way_en = (
        (f"未约定，{BY_CONTRACT_ZH}", f"not agreed, {BY_CONTRACT_EN}")
        if request.payment_way is None
        else WAYS[request.payment_way]
    )
    label = "支付方式", "Way of payment"
    if terms.entrusted_above_cny is None:
        return (
            *label, (f"{way_zh}；受托支付限额未录入", f"{way_en}; above what the lender pays it out is not entered"), ""
        )  # fmt: skip
    above = amount(terms.entrusted_above_cny.decimal)
    return (
        *label,
        (
            f"{way_zh}；向同一交易对象单笔支付超过 {above} 元的，采用受托支付",
            f"{way_en}; a single payment to one counterparty above CNY {above} is made by the lender",
        ),
        "entrusted_above_cny",
    )  # fmt: skip


def _cost_line(terms: CostTerms, request: LoanRequest, schedule: RepaymentSchedule) -> _Line:
    """Say the yearly cost with its method and every fee in one line; without the fees there is no cost to state."""
    label = "年化综合融资成本", "Yearly cost with all fees"
    if request.fees is None or terms.method is None:
        zh, en = _NOT_STATED if request.fees is None else _NO_METHOD
        return (*label, (f"未决定：{zh}", f"not decided: {en}"), "")
    method = CostMethod(terms.method.value)
    cost = percent(annualised_cost_rate(schedule, fees_cny=request.fees_cny, method=method))
    zh, en = METHODS[method]
    words = _fee_words(request)
    fees_zh = f"含费用 {amount(request.fees_cny)} 元：{words}" if request.fees else _NO_FEES[0]
    fees_en = f"with fees of CNY {amount(request.fees_cny)}: {words}" if request.fees else _NO_FEES[1]
    return (*label, (f"{cost}（{zh}；{fees_zh}）", f"{cost} ({en}; {fees_en})"), "annualised_cost_rate")


def _fee_words(request: LoanRequest) -> str:
    fees = request.fees or ()
    return "、".join(f"{one.name} {amount(one.amount_cny)}" for one in fees)
