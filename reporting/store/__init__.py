"""Rows of applications, reports and reviews: read and written here alone."""

from reporting.store.outcomes import (
    OutcomesAsked,
    OutcomeToTell,
    add_outcomes,
    are_told,
    filing_banks,
    outcome_page,
    outcomes_asked,
    outcomes_of_application,
)
from reporting.store.reviews import (
    add_review_step,
    paid_by_application,
    reviewed_by_other_reports,
    reviews_of_report,
    steps_of_review,
)
from reporting.store.subsidies import (
    add_application,
    add_report,
    application_page,
    applications_of,
    find_application,
    find_report,
    last_filing,
    latest_report_with,
    load_application,
    load_report,
    report_heads,
)

__all__ = [
    "OutcomeToTell",
    "OutcomesAsked",
    "add_application",
    "add_outcomes",
    "add_report",
    "add_review_step",
    "application_page",
    "applications_of",
    "are_told",
    "filing_banks",
    "find_application",
    "find_report",
    "last_filing",
    "latest_report_with",
    "load_application",
    "load_report",
    "outcome_page",
    "outcomes_asked",
    "outcomes_of_application",
    "paid_by_application",
    "report_heads",
    "reviewed_by_other_reports",
    "reviews_of_report",
    "steps_of_review",
]
