"""Collateral for other packages and for the edges: load, calculate, save; nothing commits here."""

from collateral.calc.agreements import (
    AccountPosition,
    CoverageRecord,
    Exposure,
    HeadroomRecord,
    MarginCall,
    Pledge,
    PledgeDraft,
    PledgeEvent,
    Repo,
    RepoDraft,
    UnitQuantity,
)
from collateral.calc.authority_acts import ActDraft, ActKind, AuthorityAct
from collateral.calc.change_weighing import ChangeOutcome
from collateral.calc.compliance_records import CompliancePosition
from collateral.calc.enforcement import LotSold, SaleMethod
from collateral.calc.pledge_changes import ChangeDraft, ChangeKind, PledgeChange
from collateral.calc.sale_means import MeansOutcome
from collateral.calc.tables_asked import TABLES_ASKED, TABLES_ASKED_ELSEWHERE
from collateral.service.appraisals import appraise_what_if, record_appraisal
from collateral.service.approvals import (
    PLEDGE_APPROVAL,
    approval_of,
    approve_pledge,
    complete_diligence,
    waiting_approval,
)
from collateral.service.authority_acts import acts_of_party, acts_on_pledge, record_act
from collateral.service.call_answers import (
    CALL_STEPS,
    LATE_CURE,
    MARGIN_DEFAULT,
    CallStep,
    steps_from,
    take_call_step,
    waiting_end,
)
from collateral.service.call_notices import CALL_NOTICE
from collateral.service.calls import call_page, issue_calls, live_calls, load_call, timeline_of_call
from collateral.service.carry_over import CarryOverDraft, carry_overs_of, record_carry_over, try_carry_over
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
from collateral.service.compliance import (
    MeanPrices,
    RecordedRevision,
    SchemePosition,
    compliance_revisions_of,
    last_compliance_positions,
    obligations_of,
    positions_and_lacks,
    positions_of,
    record_compliance_position,
)
from collateral.service.compliance_import import ComplianceImport, import_compliance_file
from collateral.service.daily_run import revalue
from collateral.service.decision_kinds import DECISION_KINDS
from collateral.service.desk import Desk, DeskPledge, DeskRepo, collateral_desk, desk_page
from collateral.service.emitter_years import emitter_years
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
    propose_late_cure,
    propose_means,
    waiting_enforcement_approval,
)
from collateral.service.enforcement_letters import enforcement_notice, surplus_statement
from collateral.service.enforcement_view import (
    EnforcementView,
    preview_distribution,
    preview_sale,
    view_enforcement,
)
from collateral.service.haircut_policies import HAIRCUT_POLICY_APPROVAL
from collateral.service.headroom import (
    headroom_of,
    latest_headrooms,
    record_headroom,
)
from collateral.service.ledger import holdings_of, ledger_entries, ledger_faults, open_account, record_holding
from collateral.service.letters import call_letter_pdf
from collateral.service.lights import desk_lights
from collateral.service.live_impact import collateral_impact
from collateral.service.margin_terms import (
    TERMS_APPROVAL,
    agreement_address,
    approve_terms,
    propose_terms,
    terms_of,
    waiting_terms,
)
from collateral.service.numbers import NumberedHolding, locked_serials, numbered_holdings_of
from collateral.service.pledge_steps import (
    PLEDGE_STEP_APPROVAL,
    PLEDGE_STEPS,
    PledgeStep,
    StepTaken,
    take_pledge_step,
    waiting_step,
)
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
)
from collateral.service.reconciliations import (
    Reconciliation,
    account_holders,
    reconciliations_page,
    record_reconciliation,
)
from collateral.service.register import collateral_register
from collateral.service.registry import (
    ask_unfreeze_again,
    claim_request,
    is_open_question,
    messages_to_send,
    open_questions,
    refused_unfreeze,
    take_answer,
    take_reply,
)
from collateral.service.release_letters import change_letter, release_letter
from collateral.service.reminders import tell_reminders
from collateral.service.repo_contracts import (
    BANK_ROLES,
    REPO_APPROVAL,
    RepoContract,
    RepoPreview,
    label_of,
    preview_repo,
    propose_repo,
)
from collateral.service.repo_events import REPO_EVENT_APPROVAL
from collateral.service.repo_portfolios import PortfolioReport, reconcile_portfolio
from collateral.service.repo_run import NetMargin, net_margins, net_of_repo, revalue_repos
from collateral.service.repos import (
    latest_repo_exposure,
    load_repo,
    open_repo,
    repo_by_code,
    repo_exposure_of,
    repos_of,
)
from collateral.service.rights import holding_rights
from collateral.service.sale_means import preview_means
from collateral.service.sold_units import ask_transfer_again, transfer_of
from collateral.service.takeovers import PledgeTakeover, take_over_pledge
from collateral.service.valuations import (
    coverage_history,
    coverage_now,
    latest_coverages,
    latest_exposure,
    record_exposure,
)
from collateral.service.view import desk_view, lines_of, standing_on
from collateral.store.repo_events import RepoEvent

__all__ = [
    "BANK_ROLES",
    "CALL_NOTICE",
    "CALL_STEPS",
    "CHANGE_APPROVAL",
    "DECISION_KINDS",
    "ENFORCEMENT_APPROVAL",
    "HAIRCUT_POLICY_APPROVAL",
    "LATE_CURE",
    "MARGIN_DEFAULT",
    "PLEDGE_APPROVAL",
    "PLEDGE_STEPS",
    "PLEDGE_STEP_APPROVAL",
    "REPO_APPROVAL",
    "REPO_EVENT_APPROVAL",
    "TABLES_ASKED",
    "TABLES_ASKED_ELSEWHERE",
    "TERMS_APPROVAL",
    "AccountPosition",
    "ActDraft",
    "ActKind",
    "AuthorityAct",
    "CallStep",
    "CarryOverDraft",
    "ChangeDraft",
    "ChangeKind",
    "ChangeOutcome",
    "ComplianceImport",
    "CompliancePosition",
    "CoverageRecord",
    "Desk",
    "DeskPledge",
    "DeskRepo",
    "EnforcementView",
    "Exposure",
    "HeadroomRecord",
    "LotSold",
    "MarginCall",
    "MeanPrices",
    "MeansOutcome",
    "NetMargin",
    "NumberedHolding",
    "Pledge",
    "PledgeChange",
    "PledgeDraft",
    "PledgeEvent",
    "PledgeStep",
    "PledgeTakeover",
    "PortfolioReport",
    "Reconciliation",
    "RecordedRevision",
    "Repo",
    "RepoContract",
    "RepoDraft",
    "RepoEvent",
    "RepoPreview",
    "SaleDraft",
    "SaleMethod",
    "SchemePosition",
    "StepTaken",
    "UnitQuantity",
    "accept_late_cure",
    "account_holders",
    "acts_of_party",
    "acts_on_pledge",
    "agreement_address",
    "apply_for_pledge",
    "appraise_pledge",
    "appraise_what_if",
    "approval_of",
    "approve_change",
    "approve_pledge",
    "approve_terms",
    "ask_again",
    "ask_transfer_again",
    "ask_unfreeze_again",
    "call_letter_pdf",
    "call_page",
    "carry_overs_of",
    "change_letter",
    "change_of_pledge",
    "change_outcome",
    "change_timeline",
    "changes_of",
    "claim_request",
    "collateral_desk",
    "collateral_impact",
    "collateral_register",
    "complete_diligence",
    "compliance_revisions_of",
    "coverage_history",
    "coverage_now",
    "desk_lights",
    "desk_page",
    "desk_view",
    "draw_pledge",
    "emitter_years",
    "enforcement_notice",
    "enforcement_of",
    "free_old",
    "headroom_of",
    "holding_rights",
    "holdings_of",
    "import_compliance_file",
    "is_open_question",
    "issue_calls",
    "label_of",
    "last_compliance_positions",
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
    "locked_serials",
    "messages_to_send",
    "net_margins",
    "net_of_repo",
    "numbered_holdings_of",
    "obligations_of",
    "open_account",
    "open_questions",
    "open_repo",
    "pledge_by_code",
    "pledges_of",
    "positions_and_lacks",
    "positions_of",
    "preview_change",
    "preview_distribution",
    "preview_means",
    "preview_repo",
    "preview_sale",
    "propose_change",
    "propose_default",
    "propose_distribution",
    "propose_late_cure",
    "propose_means",
    "propose_repo",
    "propose_terms",
    "reconcile_portfolio",
    "reconciliations_page",
    "record_act",
    "record_appraisal",
    "record_carry_over",
    "record_compliance_position",
    "record_exposure",
    "record_failed_sale",
    "record_headroom",
    "record_holding",
    "record_reconciliation",
    "refused_unfreeze",
    "register_pledge",
    "release_letter",
    "repay_pledge",
    "repo_by_code",
    "repo_exposure_of",
    "repos_of",
    "request_freeze",
    "request_unfreeze",
    "revalue",
    "revalue_repos",
    "settle_sale",
    "sign_pledge",
    "standing_on",
    "steps_from",
    "surplus_statement",
    "take_answer",
    "take_call_step",
    "take_over_pledge",
    "take_pledge_step",
    "take_reply",
    "tell_reminders",
    "terms_of",
    "timeline_of",
    "timeline_of_call",
    "transfer_of",
    "try_carry_over",
    "unconfirmed_of",
    "view_enforcement",
    "waiting_approval",
    "waiting_change_approval",
    "waiting_end",
    "waiting_enforcement_approval",
    "waiting_step",
    "waiting_terms",
    "withdraw_change",
]
