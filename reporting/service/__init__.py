"""What the edges may ask of reporting: file applications, decide them, build and give back reports."""

from typing import Any

from carbonfin.rules.record import DecisionKind
from reporting.calc.subsidies import SUBSIDY_DECISION
from reporting.calc.subsidies import tables_asked as tables_asked_of_subsidy
from reporting.service.differences import difference_from_last, difference_of
from reporting.service.disclosure import DisclosureView, disclosure_stem, disclosure_view, disclosure_workbook
from reporting.service.filing import (
    NoteApplication,
    application_page,
    applications_of,
    file_application,
    file_note_application,
    find_applications,
    known_party,
    load_application,
)
from reporting.service.live_impact import subsidy_impact
from reporting.service.manifests import SignedManifest, signed_manifest
from reporting.service.outcomes import outcome_page, outcomes_asked, outcomes_of_application
from reporting.service.performance import performance_of, performance_stem, performance_workbook
from reporting.service.reports import (
    build_report,
    decided_as_of,
    file_stem,
    latest_report_with,
    load_report,
    preview_day,
    preview_line,
    preview_report,
    report_csv,
    report_day,
    report_heads,
    report_json,
    report_workbook,
)
from reporting.service.review_approvals import (
    REVIEW_APPROVAL,
    propose_for_report,
    propose_review_step,
    waiting_review,
    waiting_reviews,
)
from reporting.service.reviews import (
    ALONE,
    BY_TWO,
    OF_MANY,
    OpenObjection,
    ReviewEntry,
    ReviewTaken,
    cases_of_report,
    open_objections,
    review_case,
    take_review_step,
)
from reporting.service.statistics import StatisticsView, default_quarters, line_page, statistics_view
from reporting.service.statistics_series import statistics_series, statistics_stem, statistics_workbook
from reporting.service.what_if import CHANGEABLE, WhatIfView, schemes_known, what_if
from reporting.store import OutcomesAsked

DECISION_KINDS: tuple[DecisionKind[Any, Any], ...] = (SUBSIDY_DECISION,)

__all__ = [
    "ALONE",
    "BY_TWO",
    "CHANGEABLE",
    "DECISION_KINDS",
    "OF_MANY",
    "REVIEW_APPROVAL",
    "DisclosureView",
    "NoteApplication",
    "OpenObjection",
    "OutcomesAsked",
    "ReviewEntry",
    "ReviewTaken",
    "SignedManifest",
    "StatisticsView",
    "WhatIfView",
    "application_page",
    "applications_of",
    "build_report",
    "cases_of_report",
    "decided_as_of",
    "default_quarters",
    "difference_from_last",
    "difference_of",
    "disclosure_stem",
    "disclosure_view",
    "disclosure_workbook",
    "file_application",
    "file_note_application",
    "file_stem",
    "find_applications",
    "known_party",
    "latest_report_with",
    "line_page",
    "load_application",
    "load_report",
    "open_objections",
    "outcome_page",
    "outcomes_asked",
    "outcomes_of_application",
    "performance_of",
    "performance_stem",
    "performance_workbook",
    "preview_day",
    "preview_line",
    "preview_report",
    "propose_for_report",
    "propose_review_step",
    "report_csv",
    "report_day",
    "report_heads",
    "report_json",
    "report_workbook",
    "review_case",
    "schemes_known",
    "signed_manifest",
    "statistics_series",
    "statistics_stem",
    "statistics_view",
    "statistics_workbook",
    "subsidy_impact",
    "tables_asked_of_subsidy",
    "take_review_step",
    "waiting_review",
    "waiting_reviews",
    "what_if",
]
