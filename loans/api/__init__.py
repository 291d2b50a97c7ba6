"""Loans for systems: carbon accounts, ratings, rates, schedules, term sheets, credit lines, notes and links."""

from loans.api import (
    account_pulls,
    accounts,
    cut_claims,
    facilities,
    green,
    lending,
    links,
    loan_notices,
    ratchet_values,
    rate_what_ifs,
    rating_explanations,
    rating_objections,
    ratings,
    repayments,
)

routes = [
    *accounts.routes,
    *account_pulls.routes,
    *ratings.routes,
    *rating_explanations.routes,
    *rating_objections.routes,
    *lending.routes,
    *facilities.routes,
    *repayments.routes,
    *green.routes,
    *cut_claims.routes,
    *loan_notices.routes,
    *ratchet_values.routes,
    *rate_what_ifs.routes,
    *links.routes,
]
