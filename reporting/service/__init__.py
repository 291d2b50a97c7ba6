"""What the edges may ask of reporting: file applications, decide them, build and give back reports."""

from typing import Any

from carbonfin.rules.record import DecisionKind
from reporting.calc.subsidies import SUBSIDY_DECISION
from reporting.calc.subsidies import tables_asked as tables_asked_of_subsidy
from reporting.service.filing import (
    NoteApplication,
    application_page,
    applications_of,
    file_application,
    file_note_application,
    known_party,
    load_application,
)
from reporting.service.live_impact import subsidy_impact
from reporting.service.reports import (
    build_report,
    decided_as_of,
    file_stem,
    latest_report_with,
    load_report,
    preview_line,
    preview_report,
    report_csv,
    report_day,
    report_json,
    report_workbook,
    reports_of,
)

DECISION_KINDS: tuple[DecisionKind[Any, Any], ...] = (SUBSIDY_DECISION,)

__all__ = [
    "DECISION_KINDS",
    "NoteApplication",
    "application_page",
    "applications_of",
    "build_report",
    "decided_as_of",
    "file_application",
    "file_note_application",
    "file_stem",
    "known_party",
    "latest_report_with",
    "load_application",
    "load_report",
    "preview_line",
    "preview_report",
    "report_csv",
    "report_day",
    "report_json",
    "report_workbook",
    "reports_of",
    "subsidy_impact",
    "tables_asked_of_subsidy",
]
