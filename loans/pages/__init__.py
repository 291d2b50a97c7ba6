"""Loans for people: enterprises and their ratings, the loan desk, applications, credit lines, notes, links."""

from loans.pages import (
    account_pulls,
    accounts,
    applications,
    enterprises,
    facilities,
    green,
    links,
    loan_notes,
    ratchet_values,
    rate_batches,
    rate_what_ifs,
    rating_objections,
    ratings,
    stability,
    term_sheets,
    verification,
)

routes = [
    *enterprises.routes,
    *accounts.routes,
    *account_pulls.routes,
    *ratings.routes,
    *rating_objections.routes,
    *stability.routes,
    *applications.routes,
    *term_sheets.routes,
    *rate_batches.routes,
    *facilities.routes,
    *loan_notes.routes,
    *green.routes,
    *ratchet_values.routes,
    *rate_what_ifs.routes,
    *links.routes,
    *verification.routes,
]
