"""Who may use which route of haircuts, stress and allocation: the part that `carbonfin.app.policy` takes in."""

from collections.abc import Mapping

from carbonfin.app import roles
from carbonfin.kernel.actors import Role

COLLATERAL_RISK: Mapping[str, frozenset[Role]] = {
    "GET /v1/collateral-stresses": roles.BANK_READERS,
    "POST /v1/collateral-stresses": roles.STRESS_MAKERS,
    "GET /v1/collateral-stresses/{decision_id:str}": roles.BANK_READERS,
    "GET /v1/collateral-stresses/{decision_id:str}/pdf": roles.BANK_READERS,
    "GET /collateral-stresses/{decision_id:str}/pdf": roles.BANK_READERS,
    "GET /collateral-stresses": roles.BANK_READERS,
    "POST /collateral-stresses": roles.STRESS_MAKERS,
    "GET /v1/eligibility-schedules": roles.BANK_READERS,
    "POST /v1/eligibility-schedules": roles.SCHEDULE_MAKERS,
    "GET /v1/eligibility-schedules/{code:str}": roles.BANK_READERS,
    "GET /eligibility-schedules": roles.BANK_READERS,
    "POST /eligibility-schedules": roles.SCHEDULE_MAKERS,
    "GET /v1/haircut-policies": roles.BANK_READERS,
    "POST /v1/haircut-policies": roles.BANK_MAKERS,
    "POST /v1/haircuts": roles.BANK_MAKERS,
    "POST /v1/allocations/previews": roles.BANK_READERS,
    "GET /v1/haircut-policies/{code:str}/reports": roles.BANK_READERS,
    "POST /v1/haircut-policies/{code:str}/reports": roles.BANK_MAKERS,
    "GET /v1/haircut-policies/{code:str}/reports/{decision_id:str}": roles.BANK_READERS,
    "GET /v1/haircut-policies/{code:str}/reports/{decision_id:str}/pdf": roles.BANK_READERS,
    "GET /pledges/allocation": roles.BANK_READERS,
    "GET /haircut-policies": roles.BANK_READERS,
    "GET /haircut-policies/new": roles.BANK_MAKERS,
    "POST /haircut-policies/new": roles.BANK_MAKERS,
    "GET /haircut-policies/{code:str}": roles.BANK_READERS,
    "POST /haircut-policies/{code:str}": roles.BANK_MAKERS,
    "GET /haircut-policies/{code:str}/reports": roles.BANK_READERS,
    "POST /haircut-policies/{code:str}/reports": roles.BANK_MAKERS,
    "GET /haircut-policies/{code:str}/reports/{decision_id:str}/pdf": roles.BANK_READERS,
}
