"""Reconciliation of repos with a counterparty as the API takes and shows it."""

from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.web.wire import NameText
from collateral.calc.repo_portfolio import FIELD_NAMES
from collateral.schemas.compliance import ComplianceFaultOut
from collateral.service import PortfolioReport


class PortfolioFileIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A counterparty's list of repos (CSV or xlsx)."""

    counterparty: Annotated[str, Meta(min_length=18, max_length=20, description="The counterparty's USCI or LEI.")]
    file_name: NameText
    content_base64: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=7_000_000,
            pattern=r"^[A-Za-z0-9+/\r\n]+={0,2}\s*$",
            description="The file's bytes in base64.",
        ),
    ]


class TradeDifferenceOut(Struct, frozen=True, kw_only=True):
    """A repo one side alone has, or a term stated otherwise."""

    kind: str
    code: str
    field: str
    field_zh: str
    ours: str
    theirs: str


class PortfolioReportOut(Struct, frozen=True, kw_only=True):
    """What the comparison found; with faults nothing was compared."""

    counterparty: str
    file_name: str
    row_count: int
    agreeing_count: int | None
    differences: list[TradeDifferenceOut]
    faults: list[ComplianceFaultOut]
    decision_id: str | None

    @classmethod
    def of(cls, value: PortfolioReport) -> "PortfolioReportOut":
        """Copy the domain value."""
        outcome = value.outcome
        return cls(
            counterparty=value.counterparty,
            file_name=value.file_name,
            row_count=value.row_count,
            agreeing_count=None if outcome is None else outcome.agreeing_count,
            differences=[
                TradeDifferenceOut(
                    kind=str(one.kind), code=one.code, field=one.field,
                    field_zh=FIELD_NAMES[one.field][0] if one.field else "", ours=one.ours, theirs=one.theirs,
                )
                for one in (() if outcome is None else outcome.differences)
            ],
            faults=[ComplianceFaultOut.of(one) for one in value.failures],
            decision_id=value.decision_id,
        )  # fmt: skip
