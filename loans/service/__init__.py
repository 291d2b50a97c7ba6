"""What other packages and the edges may ask of loans: accounts, ratings, rates, schedules, notes and term sheets."""

from typing import Any

from carbonfin.rules.record import DecisionKind
from loans.calc.contracts.schedule import SCHEDULE_KIND
from loans.calc.cut_claims import CUT_CLAIM_KIND
from loans.calc.cut_releases import CUT_RELEASE_KIND
from loans.calc.jiangtandai import RATE_BATCH_KIND, RATE_KIND, RateRequest
from loans.calc.jiangtandai import tables_asked as tables_asked_of_rate
from loans.calc.linked import RATCHET_VALUE_KIND
from loans.calc.linked.integrity import INTEGRITY_KIND
from loans.calc.linked.observations import OBSERVATION_KIND, tables_asked_of_observation
from loans.calc.linked.rate_changes import RATE_CHANGE_KIND
from loans.calc.ratings.carbon_efficiency import RATING_KIND
from loans.calc.ratings.four_colour import FOUR_COLOUR_KIND
from loans.calc.ratings.scorecard_decision import SCORECARD_KIND
from loans.calc.ratings.stability_reports import StabilityReport
from loans.calc.servicing.concession_stops import CONCESSION_STOP_KIND
from loans.calc.term_sheets import TERM_SHEET_KIND, tables_asked_of_term_sheet
from loans.feeds.account_files import EntryDraft
from loans.feeds.rate_files import RATE_COLUMNS, RATES_MAX, read_rate_requests
from loans.feeds.rating_tables import rating_table_file
from loans.service.account_entries import (
    EntryImport,
    consents_of,
    entries_of,
    entry_versions_of,
    import_entry_file,
    record_consent,
    record_entries,
    require_consent,
)
from loans.service.account_pulls import keep_pull, plan_pull, pulls_of
from loans.service.account_years import AccountView, AccountYearView, ComparedYears, account_view, compared_years
from loans.service.accounts import account_years, rating_report_of, record_account_year, record_rating_report
from loans.service.concession_stops import stop_concessions
from loans.service.cut_claims import CUT_CLAIM_APPROVAL, propose_cut_claim, try_cut_claim
from loans.service.cut_register import KeptClaim, KeptRelease, cut_claims_of
from loans.service.cut_releases import CUT_RELEASE_APPROVAL, load_cut_claim, propose_cut_release
from loans.service.decisions import (
    decide_rate,
    latest_rating,
    latest_ratings,
    make_rate_decision,
    make_schedule,
    rate_enterprise,
    ratings_of,
)
from loans.service.drawdowns import DRAWDOWN_APPROVAL, propose_drawdown
from loans.service.facilities import (
    ContractStanding,
    LineStanding,
    contract_revisions,
    known_contracts,
    known_lines,
    line_revisions,
    load_known_contract,
    load_known_line,
)
from loans.service.facility_approvals import (
    CREDIT_LINE_APPROVAL,
    LOAN_CONTRACT_APPROVAL,
    propose_credit_line,
    propose_loan_contract,
)
from loans.service.facility_views import credit_lines, load_credit_line, load_loan_contract
from loans.service.facts import LendingDefaults, lending_defaults
from loans.service.four_colours import latest_four_colours, rate_by_four_colours
from loans.service.green import (
    GREEN_APPROVAL,
    green_catalogue_of,
    green_categories_by_note,
    green_recognitions_of,
    propose_green_recognition,
)
from loans.service.issued_documents import issued_document
from loans.service.link_observations import (
    OBSERVATION_APPROVAL,
    hand_in,
    propose_observation,
    try_observation,
)
from loans.service.link_reviews import (
    KeptReview,
    ReviewFacts,
    latest_review,
    link_of_term_sheet,
    review_sustainability_link,
)
from loans.service.link_views import LinkView
from loans.service.links import (
    LINK_APPROVAL,
    LinkChange,
    borrower_of_link,
    links_of,
    load_known_link,
    load_link,
    propose_link,
    propose_turn,
)
from loans.service.live_impact import rate_impact
from loans.service.loan_notices import (
    CLASSES_MAX,
    ClassesRecorded,
    make_notices,
    notice_letter_pdf,
    notices_of_note,
    record_classes,
    statement_pdf,
)
from loans.service.note_rates import notes_under, rate_changes_of
from loans.service.note_views import NoteLine, NoteView, note_lines, note_view
from loans.service.notes import (
    accrue,
    interest_vouchers_of,
    load_note,
    notes_of,
    notes_recorded_at,
    record_interest_payment,
    record_loan_note,
    settle_note,
)
from loans.service.observations import ObservationDue, observations_due
from loans.service.panel_studies import StudiedPanel, studied_panel
from loans.service.ratchet_values import (
    RatchetRequest,
    ValuedRatchet,
    latest_ratchet_values,
    record_ratchet_value,
    try_ratchet_value,
)
from loans.service.rate_batches import (
    BatchRate,
    DecidedBatch,
    RateBatch,
    RebuiltRate,
    decide_rates,
    load_rate_batch,
    place_in_batch,
    rate_batch_differences,
    rates_of_batch,
    rebuilt_rate_of,
)
from loans.service.rate_letters import rate_letter_pdf
from loans.service.rate_resets import reset_rates
from loans.service.rate_what_ifs import WhatIf, WhatIfRequest, rate_what_if
from loans.service.rating_letters import rating_letter_file
from loans.service.rating_objections import (
    OBJECTION_APPROVAL,
    ObjectionView,
    file_objection,
    objections_of,
    propose_answer,
    require_objection_of,
)
from loans.service.rating_stability import (
    rating_stability,
    stability_report_file,
    stability_report_pdf,
    stability_workbook,
    stability_workbook_file,
)
from loans.service.rating_tables import RatedTable, ScorecardSql, rate_table_file, scorecard_as_sql
from loans.service.repayments import (
    REPAYMENT_APPROVAL,
    RepaymentDraft,
    preview_repayment,
    propose_repayment,
    waiting_repayment,
)
from loans.service.scorecard import (
    RATINGS_AT_ONCE_MAX,
    BenchmarkRelease,
    HeatCell,
    ScorecardView,
    benchmark_releases,
    freeze_benchmark_file,
    latest_results,
    rate_by_scorecard,
    rate_many_by_scorecard,
    rating_heat_map,
    rating_report_file,
    scorecard_ratings_of,
    scorecard_view,
)
from loans.service.securities import SecurityAnswer, security_answer
from loans.service.term_contracts import contract_entries
from loans.service.term_sheets import (
    StoredTermSheet,
    TermSheetDraft,
    draft_term_sheet,
    load_term_sheet,
    preview_term_sheet,
    reroll_provisional,
    term_sheet_document,
    term_sheet_docx,
    term_sheet_pdf,
    term_sheets_of,
)

DECISION_KINDS: tuple[DecisionKind[Any, Any], ...] = (
    CONCESSION_STOP_KIND, CUT_CLAIM_KIND, CUT_RELEASE_KIND, INTEGRITY_KIND,
    OBSERVATION_KIND, RATE_CHANGE_KIND, RATCHET_VALUE_KIND, RATING_KIND, SCORECARD_KIND, FOUR_COLOUR_KIND, RATE_KIND,
    RATE_BATCH_KIND, SCHEDULE_KIND, TERM_SHEET_KIND,
)  # fmt: skip

RATE_BATCH = RATE_BATCH_KIND.name
"""The kind of a batch of rates."""

__all__ = [
    "CLASSES_MAX",
    "CREDIT_LINE_APPROVAL",
    "CUT_CLAIM_APPROVAL",
    "CUT_RELEASE_APPROVAL",
    "DECISION_KINDS",
    "DRAWDOWN_APPROVAL",
    "GREEN_APPROVAL",
    "LINK_APPROVAL",
    "LOAN_CONTRACT_APPROVAL",
    "OBJECTION_APPROVAL",
    "OBSERVATION_APPROVAL",
    "RATES_MAX",
    "RATE_BATCH",
    "RATE_COLUMNS",
    "RATINGS_AT_ONCE_MAX",
    "REPAYMENT_APPROVAL",
    "AccountView",
    "AccountYearView",
    "BatchRate",
    "BenchmarkRelease",
    "ClassesRecorded",
    "ComparedYears",
    "ContractStanding",
    "DecidedBatch",
    "EntryDraft",
    "EntryImport",
    "HeatCell",
    "KeptClaim",
    "KeptRelease",
    "KeptReview",
    "LendingDefaults",
    "LineStanding",
    "LinkChange",
    "LinkView",
    "NoteLine",
    "NoteView",
    "ObjectionView",
    "ObservationDue",
    "RatchetRequest",
    "RateBatch",
    "RateRequest",
    "RatedTable",
    "RebuiltRate",
    "RepaymentDraft",
    "ReviewFacts",
    "ScorecardSql",
    "ScorecardView",
    "SecurityAnswer",
    "StabilityReport",
    "StoredTermSheet",
    "StudiedPanel",
    "TermSheetDraft",
    "ValuedRatchet",
    "WhatIf",
    "WhatIfRequest",
    "account_view",
    "account_years",
    "accrue",
    "benchmark_releases",
    "borrower_of_link",
    "compared_years",
    "consents_of",
    "contract_entries",
    "contract_revisions",
    "credit_lines",
    "cut_claims_of",
    "decide_rate",
    "decide_rates",
    "draft_term_sheet",
    "entries_of",
    "entry_versions_of",
    "file_objection",
    "freeze_benchmark_file",
    "green_catalogue_of",
    "green_categories_by_note",
    "green_recognitions_of",
    "hand_in",
    "import_entry_file",
    "interest_vouchers_of",
    "issued_document",
    "keep_pull",
    "known_contracts",
    "known_lines",
    "latest_four_colours",
    "latest_ratchet_values",
    "latest_rating",
    "latest_ratings",
    "latest_results",
    "latest_review",
    "lending_defaults",
    "line_revisions",
    "link_of_term_sheet",
    "links_of",
    "load_credit_line",
    "load_cut_claim",
    "load_known_contract",
    "load_known_line",
    "load_known_link",
    "load_link",
    "load_loan_contract",
    "load_note",
    "load_rate_batch",
    "load_term_sheet",
    "make_notices",
    "make_rate_decision",
    "make_schedule",
    "note_lines",
    "note_view",
    "notes_of",
    "notes_recorded_at",
    "notes_under",
    "notice_letter_pdf",
    "notices_of_note",
    "objections_of",
    "observations_due",
    "place_in_batch",
    "plan_pull",
    "preview_repayment",
    "preview_term_sheet",
    "propose_answer",
    "propose_credit_line",
    "propose_cut_claim",
    "propose_cut_release",
    "propose_drawdown",
    "propose_green_recognition",
    "propose_link",
    "propose_loan_contract",
    "propose_observation",
    "propose_repayment",
    "propose_turn",
    "pulls_of",
    "rate_batch_differences",
    "rate_by_four_colours",
    "rate_by_scorecard",
    "rate_changes_of",
    "rate_enterprise",
    "rate_impact",
    "rate_letter_pdf",
    "rate_many_by_scorecard",
    "rate_table_file",
    "rate_what_if",
    "rates_of_batch",
    "rating_heat_map",
    "rating_letter_file",
    "rating_report_file",
    "rating_report_of",
    "rating_stability",
    "rating_table_file",
    "ratings_of",
    "read_rate_requests",
    "rebuilt_rate_of",
    "record_account_year",
    "record_classes",
    "record_consent",
    "record_entries",
    "record_interest_payment",
    "record_loan_note",
    "record_ratchet_value",
    "record_rating_report",
    "require_consent",
    "require_objection_of",
    "reroll_provisional",
    "reset_rates",
    "review_sustainability_link",
    "scorecard_as_sql",
    "scorecard_ratings_of",
    "scorecard_view",
    "security_answer",
    "settle_note",
    "stability_report_file",
    "stability_report_pdf",
    "stability_workbook",
    "stability_workbook_file",
    "statement_pdf",
    "stop_concessions",
    "studied_panel",
    "tables_asked_of_observation",
    "tables_asked_of_rate",
    "tables_asked_of_term_sheet",
    "term_sheet_document",
    "term_sheet_docx",
    "term_sheet_pdf",
    "term_sheets_of",
    "try_cut_claim",
    "try_observation",
    "try_ratchet_value",
    "waiting_repayment",
]
