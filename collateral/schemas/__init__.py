"""Shapes of the collateral API: strings for exact figures, one copy between struct and value."""

from collateral.schemas.pledges import (
    AppraisalIn,
    AppraisalOut,
    CallOut,
    CoverageOut,
    DeskPledgeOut,
    EventOut,
    PledgeDetailOut,
    PledgeIn,
    PledgeListOut,
    PledgeOut,
    RefusalOut,
    TopUpOut,
    UnitQuantityIn,
    UnitQuantityOut,
)
from collateral.schemas.reconciliations import DifferenceOut, ReconciliationListOut, ReconciliationOut
from collateral.schemas.repos import HeadroomListOut, HeadroomOut, RepoOut

__all__ = [
    "AppraisalIn",
    "AppraisalOut",
    "CallOut",
    "CoverageOut",
    "DeskPledgeOut",
    "DifferenceOut",
    "EventOut",
    "HeadroomListOut",
    "HeadroomOut",
    "PledgeDetailOut",
    "PledgeIn",
    "PledgeListOut",
    "PledgeOut",
    "ReconciliationListOut",
    "ReconciliationOut",
    "RefusalOut",
    "RepoOut",
    "TopUpOut",
    "UnitQuantityIn",
    "UnitQuantityOut",
]
