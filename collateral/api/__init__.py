"""Collateral for systems: appraisals, pledges, repos, headroom, compliance positions, reconciliation."""

from collateral.api import compliance, pledges

routes = [*pledges.routes, *compliance.routes]
