"""Collateral for people: the desk, one pledge and its changes, one repo, and the application form."""

from collateral.pages import (
    allocations,
    authority_acts,
    book_stresses,
    changes,
    default_simulations,
    eligibility_schedules,
    enforcements,
    haircut_proposals,
    haircut_reports,
    haircuts,
    repo_events,
    repo_portfolios,
    repo_wizard,
)
from collateral.pages.applications import application_form, send_application
from collateral.pages.carry_over import carry_over_page, send_carry_over
from collateral.pages.compliance import (
    compliance_list,
    compliance_page,
    compliance_upload_page,
    send_compliance_file,
)
from collateral.pages.custody import custody_page
from collateral.pages.desk import desk_page
from collateral.pages.eligibility_schedules import schedule_lines
from collateral.pages.margin import call_letter, call_list_page, call_page, send_call_step
from collateral.pages.margin_terms import send_terms, terms_page
from collateral.pages.pledges import pledge_page, take_pledge_step
from collateral.pages.reconciliations import export_reconciliation, reconciliation_page
from collateral.pages.register import export_register
from collateral.pages.repos import repo_page
from collateral.pages.rights import holding_rights_page
from collateral.service.eligibility_schedules import ELIGIBILITY_SCHEDULE

routes = [
    desk_page,
    custody_page,
    compliance_list,
    compliance_upload_page,
    send_compliance_file,
    compliance_page,
    carry_over_page,
    send_carry_over,
    application_form,
    send_application,
    pledge_page,
    take_pledge_step,
    call_list_page,
    call_page,
    send_call_step,
    call_letter,
    terms_page,
    send_terms,
    *changes.routes,
    *enforcements.routes,
    *authority_acts.routes,
    *repo_wizard.routes,
    *repo_portfolios.routes,
    repo_page,
    *repo_events.routes,
    reconciliation_page,
    export_reconciliation,
    export_register,
    holding_rights_page,
    *haircut_proposals.routes,
    *haircuts.routes,
    *default_simulations.routes,
    *allocations.routes,
    *haircut_reports.routes,
    *book_stresses.routes,
    *eligibility_schedules.routes,
]
VALUE_READINGS = {ELIGIBILITY_SCHEDULE: schedule_lines}
"""How long values of parameters are read, by key."""
