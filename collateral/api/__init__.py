"""Collateral for systems: pledges and their changes, margin, repos, compliance positions, reconciliation."""

from collateral.api import changes, compliance, pledges, register, repos

routes = [*pledges.routes, *changes.routes, *repos.routes, *compliance.routes, *register.routes]
