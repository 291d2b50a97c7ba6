"""Every kind of decision that this release can make again, with its name for readers."""

from typing import Any

import collateral.service
import loans.service
import pricing.service
import reporting.service
from carbonfin.rules.record import DecisionKind
from carbonfin.web.language import Text

KIND_TITLES: dict[str, Text] = {
    "pricing": Text("估值", "Pricing"),
    "collateral": Text("押品", "Collateral"),
    "loans": Text("贷款", "Loans"),
    "reporting": Text("贴息", "Reporting"),
    "pricing.portfolio": Text("组合估值", "Portfolio value"),
    "pricing.risk": Text("组合风险计量", "Portfolio risk"),
    "pricing.allowance_model": Text("配额模型估值", "Value by an allowance model"),
    "pricing.structure": Text("结构化交易估值", "Value of a structured trade"),
    "collateral.carry_over": Text("配额结转", "Carry-over"),
    "collateral.book_stress": Text("押品组合压力测试", "Stress of the collateral book"),
    "collateral.appraisal": Text("押品评估", "Collateral appraisal"),
    "collateral.compliance_position": Text("履约头寸", "Compliance position"),
    "collateral.coverage": Text("担保覆盖率", "Coverage"),
    "collateral.daily_margin": Text("日终盯市", "Daily valuation and margin"),
    "collateral.day_facts": Text("当日估值口径", "Facts of the day"),
    "collateral.haircut_report": Text("折扣系数月报", "Monthly haircut report"),
    "collateral.haircut_stack": Text("折扣系数", "Haircut"),
    "collateral.headroom": Text("履约余量", "Surrender headroom"),
    "collateral.sale": Text("处置成交", "Sale in an enforcement"),
    "collateral.sale_means": Text("处置方式与价格幅度", "Means of sale and its band"),
    "collateral.distribution": Text("处置价款分配", "Proceeds shared out"),
    "collateral.pledge_change": Text("质押变更", "Change of a pledge"),
    "collateral.reconciliation": Text("登记机构对账", "Registry reconciliation"),
    "collateral.repo_event": Text("回购存续期事项", "Event of a repo"),
    "collateral.repo_exposure": Text("回购敞口", "Repo exposure"),
    "collateral.repo_netting": Text("回购净额保证金", "Net margin of repos"),
    "collateral.repo_portfolio": Text("回购组合对账", "Reconciliation of repos"),
    "collateral.repo_start": Text("回购首期", "Repo start"),
    "loans.rating": Text("碳评级", "Carbon rating"),
    "loans.scorecard": Text("碳评级（评分卡）", "Carbon rating by scorecard"),
    "loans.four_colours": Text("碳评级（四色）", "Carbon rating by four colours"),
    "loans.rate_batch": Text("降碳贷批量定价", "Batch of emission-cut loan rates"),
    "loans.rate": Text("降碳贷定价", "Emission-cut loan rate"),
    "loans.ratchet_value": Text("利差挂钩条款的价值", "Value of a margin ratchet"),
    "loans.link_integrity": Text("挂钩条款审查", "Review of a sustainability link"),
    "loans.observation": Text("可持续挂钩观察认定", "Observation of a sustainability link"),
    "loans.cut_claim": Text("降碳量主张", "Claimed cut"),
    "loans.cut_release": Text("降碳量主张释放", "Claimed cut released"),
    "loans.concession_stop": Text("逾期停止利率优惠", "Concession stopped on overdue"),
    "loans.rate_change": Text("借据利率调整", "Rate of a note moved"),
    "loans.schedule": Text("还款计划", "Repayment schedule"),
    "loans.term_sheet": Text("贷款条款清单", "Term sheet"),
    "reporting.subsidy": Text("贴息资格", "Subsidy eligibility"),
}


def decision_kinds() -> tuple[DecisionKind[Any, Any], ...]:
    """Give the decision kinds of all packages."""
    return (
        *pricing.service.DECISION_KINDS,
        *collateral.service.DECISION_KINDS,
        *loans.service.DECISION_KINDS,
        *reporting.service.DECISION_KINDS,
    )


def title_of(kind: str) -> Text:
    """Name a kind of decision: its own title if it has one, else its package's and its code."""
    known = KIND_TITLES.get(kind)
    if known is not None:
        return known
    package = KIND_TITLES.get(kind.split(".", 1)[0])
    return Text(f"{package.zh} · {kind}", f"{package.en} · {kind}") if package is not None else Text(kind, kind)
