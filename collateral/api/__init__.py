"""Collateral for systems: appraisals, pledges and their changes, repos, headroom, reconciliation."""

from collateral.api import changes, pledges

routes = [*pledges.routes, *changes.routes]
