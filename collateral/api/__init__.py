"""Collateral for systems: pledges with changes and enforcement, margin, repos, compliance, reconciliation."""

from collateral.api import (
    allocations,
    book_stresses,
    carry_over,
    changes,
    compliance,
    custody,
    default_simulations,
    eligibility_schedules,
    enforcements,
    haircut_reports,
    haircuts,
    holdings,
    pledges,
    register,
    repos,
    rights,
)

routes = [
    *pledges.routes, *changes.routes, *repos.routes, *compliance.routes, *enforcements.routes,
    *default_simulations.routes, *register.routes, *carry_over.routes, *rights.routes, *holdings.routes,
    *haircuts.routes, *haircut_reports.routes, *custody.routes, *allocations.routes,
    *book_stresses.routes,
    *eligibility_schedules.routes,
]  # fmt: skip
