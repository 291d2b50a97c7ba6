"""Collateral for systems: pledges and their changes, margin, repos, compliance positions, reconciliation."""

from collateral.api import carry_over, changes, compliance, pledges, register, rights

routes = [*pledges.routes, *changes.routes, *compliance.routes, *register.routes, *carry_over.routes, *rights.routes]
