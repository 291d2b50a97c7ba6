"""Collateral for systems: pledges with changes and enforcement, margin, repos, compliance, reconciliation."""

from collateral.api import changes, compliance, enforcements, pledges

routes = [*pledges.routes, *changes.routes, *compliance.routes, *enforcements.routes]
