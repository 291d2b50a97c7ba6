"""What to do about a criterion that was not met, or about which nothing is known: one line for the report."""

from reporting.calc.eligibility import Answer, Criterion
from reporting.calc.subsidies import Outcome, SubsidyDecision

CRITERION_REMEDIES: dict[Criterion, tuple[str, str]] = {
    Criterion.IN_FORCE: (
        "申报日没有有效条款：请核对规则库中该项目各条款的起止日，补录空档期的条款，或在有效期内申报。",
        "No terms are in force on the day: enter in the rulebook what the gap between its dates lacks, or file within.",
    ),
    Criterion.AMOUNT_TERMS: (
        "请在规则库录入并核准申报日有效的资助基数、比例和税率。",
        "Enter and approve base, rate and VAT rate for the day of filing in the rulebook.",
    ),
    Criterion.WINDOW: (
        "请核对提交时间与申报期；确在申报期内受理的，附受理凭证更正后重新申报。",
        "Check the instant of filing; if it was received within the window, file a correction with the receipt.",
    ),
    Criterion.KEY_EMITTER: (
        "请核对融资年度重点排放单位名录；未说明的请补充说明。",
        "Check the list of key emitters of the year of financing; state it where it is not stated.",
    ),
    Criterion.SETTLED: (
        "请在贷款结清后申报，或补交结清证明并说明结清日。",
        "File once the loan is settled, or add the settlement certificate with the day.",
    ),
    Criterion.COSTS_PAID: (
        "请补交费用支出凭证和支付日；申报日之后支付的费用，请在支付后另行申报。",
        "Add the vouchers with their days of payment; file what was paid later once it is paid.",
    ),
    Criterion.ANNOUNCEMENT: (
        "请补充质押公告的编号、网址和发布日期。",
        "Add number, address and day of the pledge announcement.",
    ),
    Criterion.DOCUMENTS: ("请补交所缺材料。", "Add the missing documents."),
    Criterion.NOT_CLAIMED: (
        "同一费用以先申报者为准；认为在先申报有误的，请先更正在先申请。",
        "The earlier claim stands; if it is wrong, have that one corrected first.",
    ),
    Criterion.STACKING: (
        "请由主管部门确认叠加规则，或撤回其中一项申请。",
        "Have the rule on stacking confirmed, or withdraw one of the two.",
    ),
    Criterion.DISTRICT: (
        "请核对申报单位所在区；未说明的请补充登记。",
        "Check the applicant's district; state it where it is not stated.",
    ),
    Criterion.SIZE: (
        "请按中小企业划型标准核对并说明企业规模。",
        "State the size of the enterprise by the classes of size.",
    ),
    Criterion.FORM: ("请核对并说明融资形式。", "Check the form of financing, and state it."),
    Criterion.STANDING: (
        "请查询严重失信、环境处罚和配额清缴记录并填写查询日；记录有误的，请先向登记机关更正。",
        "Look up dishonesty, penalties and surrender, and give the day; have a wrong record corrected at its source.",
    ),
    Criterion.AFFILIATES: (
        "请说明所属集团（集团母公司统一社会信用代码），不属于任何集团的声明为无。",
        "State the group (USCI of its head), or that there is none.",
    ),
    Criterion.YEARS: (
        "已达最长资助年限，本年度不再资助；认为年度计算有误的，请核对以往资助记录。",
        "The years at most are used up; hold the grants of earlier years against the record where that is in doubt.",
    ),
}


def remedies_of(decision: SubsidyDecision) -> tuple[str, str]:
    """Say in Chinese and English what to do about a decision; empty where nothing is to be done."""
    if decision.outcome is Outcome.QUALIFIES:
        return "", ""
    wanted = Answer.UNKNOWN if decision.outcome is Outcome.UNDECIDED else Answer.NOT_MET
    found = [CRITERION_REMEDIES[result.criterion] for result in decision.criteria if result.answer is wanted]
    return "".join(zh for zh, _ in found), " ".join(en for _, en in found)
