"""Rows of the ledger, pledges, repos and compliance positions; only the store makes or reads them."""

from collateral.models.compliance import ComplianceAllocationRow, CompliancePositionRow, HeadroomRow
from collateral.models.custody import CustodyAccountRow, CustodyStatementRow
from collateral.models.enforcement import AuthorityActRow, EnforcementRow, EnforcementStepRow
from collateral.models.haircut_policies import HaircutPolicyRow
from collateral.models.ledger import (
    EncumbranceRow,
    JournalEntryRow,
    JournalPostingRow,
    RegistryAccountRow,
    SerialRangeRow,
    UnitPositionRow,
)
from collateral.models.margin import MarginCallEventRow, MarginTermsRow
from collateral.models.pledge_changes import PledgeChangeEventRow, PledgeChangeRow, PledgeChangeUnitRow
from collateral.models.pledges import (
    AgreementExposureRow,
    CoverageRow,
    MarginCallRow,
    PledgeApprovalRow,
    PledgeEventRow,
    PledgeRow,
    PledgeUnitRow,
)
from collateral.models.registry import RegistryRequestRow
from collateral.models.repos import RepoEventRow, RepoExposureRow, RepoRow

__all__ = [
    "AgreementExposureRow",
    "AuthorityActRow",
    "ComplianceAllocationRow",
    "CompliancePositionRow",
    "CoverageRow",
    "CustodyAccountRow",
    "CustodyStatementRow",
    "EncumbranceRow",
    "EnforcementRow",
    "EnforcementStepRow",
    "HaircutPolicyRow",
    "HeadroomRow",
    "JournalEntryRow",
    "JournalPostingRow",
    "MarginCallEventRow",
    "MarginCallRow",
    "MarginTermsRow",
    "PledgeApprovalRow",
    "PledgeChangeEventRow",
    "PledgeChangeRow",
    "PledgeChangeUnitRow",
    "PledgeEventRow",
    "PledgeRow",
    "PledgeUnitRow",
    "RegistryAccountRow",
    "RegistryRequestRow",
    "RepoEventRow",
    "RepoExposureRow",
    "RepoRow",
    "SerialRangeRow",
    "UnitPositionRow",
]
