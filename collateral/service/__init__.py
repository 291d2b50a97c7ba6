"""Collateral for other packages and for the edges: load, calculate, save; nothing commits here."""

from collateral.calc.agreements import (
    AccountPosition,
    CompliancePosition,
    CoverageRecord,
    Exposure,
    HeadroomRecord,
    MarginCall,
    Pledge,
    PledgeDraft,
    PledgeEvent,
    Repo,
    RepoDraft,
    RepoExposureRecord,
    UnitQuantity,
)
from collateral.calc.appraisal import APPRAISAL
from collateral.calc.authority_acts import ActDraft, ActKind, AuthorityAct
from collateral.calc.change_weighing import PLEDGE_CHANGE, ChangeOutcome
from collateral.calc.coverage import COVERAGE
from collateral.calc.enforcement import DISTRIBUTION, SALE, LotSold, SaleMethod
from collateral.calc.headroom import HEADROOM
from collateral.calc.pledge_changes import ChangeDraft, ChangeKind, PledgeChange
from collateral.calc.reconciliation import RECONCILIATION
from collateral.calc.repo import REPO_EXPOSURE, REPO_START
from collateral.service.appraisals import appraise_what_if, record_appraisal
from collateral.service.approvals import (
    PLEDGE_APPROVAL,
    approval_of,
    approve_pledge,
    complete_diligence,
    reject_pledge,
    waiting_approval,
)
from collateral.service.authority_acts import acts_of_party, acts_on_pledge, record_act
from collateral.service.call_notices import CALL_NOTICE
from collateral.service.calls import issue_calls, live_calls, load_call
from collateral.service.change_approvals import (
    CHANGE_APPROVAL,
    approve_change,
    propose_change,
    waiting_change_approval,
)
from collateral.service.change_replies import ask_again, free_old, withdraw_change
from collateral.service.changes import (
    change_of_pledge,
    change_outcome,
    change_timeline,
    changes_of,
    load_change,
    preview_change,
)
from collateral.service.desk import Desk, DeskPledge, DeskRepo, collateral_desk, desk_page
from collateral.service.enforcement import (
    SaleDraft,
    accept_late_cure,
    enforcement_of,
    record_failed_sale,
    settle_sale,
)
from collateral.service.enforcement_approvals import (
    ENFORCEMENT_APPROVAL,
    propose_default,
    propose_distribution,
    waiting_enforcement_approval,
)
from collateral.service.headroom import (
    compliance_positions_of,
    headroom_of,
    latest_headrooms,
    record_compliance_position,
    record_headroom,
)
from collateral.service.ledger import holdings_of, ledger_entries, ledger_faults, open_account, record_holding
from collateral.service.pledges import (
    apply_for_pledge,
    appraise_pledge,
    draw_pledge,
    load_pledge,
    pledge_by_code,
    pledges_of,
    register_pledge,
    repay_pledge,
    request_freeze,
    request_unfreeze,
    sign_pledge,
    timeline_of,
    unconfirmed_of,
    withdraw_pledge,
)
from collateral.service.reconciliations import (
    Reconciliation,
    account_holders,
    reconciliations_page,
    record_reconciliation,
)
from collateral.service.registry import (
    messages_to_send,
    open_questions,
    request_of,
    take_answer,
    take_answer_to,
    take_reply,
)
from collateral.service.release_letters import change_letter, release_letter
from collateral.service.repos import (
    latest_repo_exposure,
    load_repo,
    open_repo,
    repo_by_code,
    repo_exposure_of,
    repos_of,
    revalue_repos,
)
from collateral.service.table_impact import haircut_impact
from collateral.service.takeovers import PledgeTakeover, take_over_pledge
from collateral.service.valuations import (
    coverage_history,
    coverage_now,
    latest_coverages,
    latest_exposure,
    record_exposure,
    revalue,
)
from collateral.service.view import desk_view, lines_of, standing_on

__all__ = [
    "CALL_NOTICE",
    "CHANGE_APPROVAL",
    "DECISION_KINDS",
    "ENFORCEMENT_APPROVAL",
    "PLEDGE_APPROVAL",
    "AccountPosition",
    "ActDraft",
    "ActKind",
    "AuthorityAct",
    "ChangeDraft",
    "ChangeKind",
    "ChangeOutcome",
    "CompliancePosition",
    "CoverageRecord",
    "Desk",
    "DeskPledge",
    "DeskRepo",
    "Exposure",
    "HeadroomRecord",
    "LotSold",
    "MarginCall",
    "Pledge",
    "PledgeChange",
    "PledgeDraft",
    "PledgeEvent",
    "PledgeTakeover",
    "Reconciliation",
    "Repo",
    "RepoDraft",
    "RepoExposureRecord",
    "SaleDraft",
    "SaleMethod",
    "UnitQuantity",
    "accept_late_cure",
    "account_holders",
    "acts_of_party",
    "acts_on_pledge",
    "apply_for_pledge",
    "appraise_pledge",
    "appraise_what_if",
    "approval_of",
    "approve_change",
    "approve_pledge",
    "ask_again",
    "change_letter",
    "change_of_pledge",
    "change_outcome",
    "change_timeline",
    "changes_of",
    "collateral_desk",
    "complete_diligence",
    "compliance_positions_of",
    "coverage_history",
    "coverage_now",
    "desk_page",
    "desk_view",
    "draw_pledge",
    "enforcement_of",
    "free_old",
    "haircut_impact",
    "headroom_of",
    "holdings_of",
    "issue_calls",
    "latest_coverages",
    "latest_exposure",
    "latest_headrooms",
    "latest_repo_exposure",
    "ledger_entries",
    "ledger_faults",
    "lines_of",
    "live_calls",
    "load_call",
    "load_change",
    "load_pledge",
    "load_repo",
    "messages_to_send",
    "open_account",
    "open_questions",
    "open_repo",
    "pledge_by_code",
    "pledges_of",
    "preview_change",
    "propose_change",
    "propose_default",
    "propose_distribution",
    "reconciliations_page",
    "record_act",
    "record_appraisal",
    "record_compliance_position",
    "record_exposure",
    "record_failed_sale",
    "record_headroom",
    "record_holding",
    "record_reconciliation",
    "register_pledge",
    "reject_pledge",
    "release_letter",
    "repay_pledge",
    "repo_by_code",
    "repo_exposure_of",
    "repos_of",
    "request_freeze",
    "request_of",
    "request_unfreeze",
    "revalue",
    "revalue_repos",
    "settle_sale",
    "sign_pledge",
    "standing_on",
    "take_answer",
    "take_answer_to",
    "take_over_pledge",
    "take_reply",
    "timeline_of",
    "unconfirmed_of",
    "waiting_approval",
    "waiting_change_approval",
    "waiting_enforcement_approval",
    "withdraw_change",
    "withdraw_pledge",
]

DECISION_KINDS = (
    APPRAISAL,
    COVERAGE,
    DISTRIBUTION,
    HEADROOM,
    PLEDGE_CHANGE,
    RECONCILIATION,
    REPO_EXPOSURE,
    REPO_START,
    SALE,
)
