"""Collateral for systems: pledges with changes and enforcement, margin, repos, compliance, reconciliation."""

from collateral.api import changes, compliance, enforcements, pledges, register, repos

routes = [
    *pledges.routes, *changes.routes, *repos.routes, *compliance.routes, *enforcements.routes, *register.routes,
]  # fmt: skip
