"""Collateral for people: the desk, one pledge and its changes, one repo, and the application form."""

from collateral.pages import changes
from collateral.pages.applications import application_form, send_application
from collateral.pages.desk import desk_page
from collateral.pages.pledges import pledge_page, take_pledge_step
from collateral.pages.reconciliations import export_reconciliation, reconciliation_page
from collateral.pages.repos import repo_page

routes = [
    desk_page,
    application_form,
    send_application,
    pledge_page,
    take_pledge_step,
    *changes.routes,
    repo_page,
    reconciliation_page,
    export_reconciliation,
]
