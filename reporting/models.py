"""Rows of subsidy applications, reports and the decisions they hold."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id
from reporting.calc.outcomes import Verdict
from reporting.calc.subsidies import Outcome


class SubsidyApplicationRow(Row, table=True):
    """An application as a bank filed it; the facts are one document, a correction is another application.

    `submitted_at` is the instant its bank names, `recorded_at` when it was written down here: None on those
    of before and on samples, whose present is made up.
    """

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "reference"),
        sa.Index("ix_subsidy_application_filed", "organization_id", "submitted_at", "reference", "id"),
        sa.Index(None, "submitted_at", "reference", "id"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    reference: str
    scheme: str
    applicant_usci: str
    note_number: str
    submitted_at: datetime
    facts: dict[str, Any] = Field(sa_type=columns.Json)
    digest: str
    is_sample: bool
    recorded_at: datetime | None = None


class SubsidyReportRow(Row, table=True):
    """A quarter's report as built; the same files on the same day give the same report."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "quarter", "as_of", "inputs_digest"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    sequence: int
    quarter: str
    as_of: date
    inputs_digest: str
    content: dict[str, Any] = Field(sa_type=columns.Json)
    digest: str


class SubsidyReportLineRow(Row, table=True):
    """Which decision a report holds on an application; `details` is None in reports that were kept whole."""

    __table_args__ = ({"info": {"append_only": True}},)

    report_id: str = Field(foreign_key="subsidy_report.id", primary_key=True)
    application_id: str = Field(foreign_key="subsidy_application.id", primary_key=True)
    decision_id: str = Field(foreign_key="decision.id")
    outcome: Outcome
    details: dict[str, Any] | None = Field(default=None, sa_type=columns.Json)


class SubsidyReviewStepRow(Row, table=True):
    """A step of the bureau's review of an application; what the case stands at follows from its steps."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "application_id", "place"),
        sa.Index(None, "organization_id", "report_id"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    report_id: str = Field(foreign_key="subsidy_report.id")
    application_id: str = Field(foreign_key="subsidy_application.id")
    place: int
    name: str
    happened_on: date
    taken_at: datetime
    amount_cny: Decimal | None = Field(sa_type=columns.Amount)
    maker_name: str
    checker_name: str | None
    approval_id: str | None = Field(foreign_key="approval.id")
    reason: str
    evidence_digest: str | None
    details: dict[str, Any] = Field(sa_type=columns.Json)


class SubsidyOutcomeRow(Row, table=True):
    """What a report says of an application, as the bank that filed it is told; written when the report is built.

    `organization_id` is the body that decided, `bank_id` who may read it; `as_of` is the report's day, `told_at` when
    the bank was told; `sequence` is the report's, so that the latest is known.
    """

    __table_args__ = (
        sa.UniqueConstraint("report_id", "application_id"),
        sa.Index(None, "bank_id", "told_at", "id"),
        sa.Index(None, "organization_id", "application_id", "sequence"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    bank_id: str = Field(foreign_key="organization.id")
    report_id: str = Field(foreign_key="subsidy_report.id")
    application_id: str = Field(foreign_key="subsidy_application.id")
    sequence: int
    quarter: str
    as_of: date
    told_at: datetime
    verdict: Verdict
    calculated_cny: Decimal | None = Field(sa_type=columns.Amount)
    proposed_cny: Decimal | None = Field(sa_type=columns.Amount)
    granted_cny: Decimal | None = Field(sa_type=columns.Amount)
    details: dict[str, Any] = Field(sa_type=columns.Json)


class SubsidyOutcomeStepRow(Row, table=True):
    """A step of the review as the bank that filed is told; names, reasons and files are not in it."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "application_id", "place"),
        sa.Index(None, "bank_id", "told_at"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    bank_id: str = Field(foreign_key="organization.id")
    application_id: str = Field(foreign_key="subsidy_application.id")
    place: int
    name: str
    happened_on: date
    told_at: datetime
    amount_cny: Decimal | None = Field(sa_type=columns.Amount)
    published_until: date | None
