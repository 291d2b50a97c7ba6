"""Every kind of decision that collateral can make again."""

from collateral.calc.appraisal import APPRAISAL
from collateral.calc.book_stress.decision import BOOK_STRESS
from collateral.calc.carry_over import CARRY_OVER
from collateral.calc.change_weighing import PLEDGE_CHANGE
from collateral.calc.compliance_position import COMPLIANCE_POSITION
from collateral.calc.coverage import COVERAGE
from collateral.calc.daily_traces import DAILY_MARGIN
from collateral.calc.day_facts import DAY_FACTS
from collateral.calc.enforcement import DISTRIBUTION, SALE
from collateral.calc.haircut_models.stack import HAIRCUT_STACK, HAIRCUT_STACK_MONOTONE
from collateral.calc.haircut_reports import HAIRCUT_REPORT
from collateral.calc.headroom import HEADROOM
from collateral.calc.reconciliation import RECONCILIATION
from collateral.calc.repo import REPO_START
from collateral.calc.repo_exposure import REPO_EXPOSURE
from collateral.calc.repo_netting import REPO_NETTING
from collateral.calc.repo_portfolio import REPO_PORTFOLIO
from collateral.calc.repo_weighing import REPO_EVENT
from collateral.calc.sale_means import SALE_MEANS

DECISION_KINDS = (
    APPRAISAL, BOOK_STRESS, CARRY_OVER, COMPLIANCE_POSITION, COVERAGE, DAILY_MARGIN, DAY_FACTS, DISTRIBUTION,
    HAIRCUT_REPORT, HAIRCUT_STACK, HAIRCUT_STACK_MONOTONE, HEADROOM, PLEDGE_CHANGE, RECONCILIATION, REPO_EVENT,
    REPO_EXPOSURE, REPO_NETTING, REPO_PORTFOLIO, REPO_START, SALE, SALE_MEANS,
)  # fmt: skip
"""Every kind recorded by this release or one before; coverage alone was recorded until the daily margin took it in."""
