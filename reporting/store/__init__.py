"""Rows of applications, reports and reviews: read and written here alone."""

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
    "add_application",
    "add_report",
    "add_review_step",
    "application_page",
    "applications_of",
    "find_application",
    "find_report",
    "last_filing",
    "latest_report_with",
    "load_application",
    "load_report",
    "paid_by_application",
    "report_heads",
    "reviewed_by_other_reports",
    "reviews_of_report",
    "steps_of_review",
]
