"""Loans for systems: carbon accounts, ratings, rates, schedules, term sheets, credit lines, contracts and notes."""

from loans.api import accounts, facilities, lending, ratchet_values, ratings, repayments

routes = [
    *accounts.routes,
    *ratings.routes,
    *lending.routes,
    *facilities.routes,
    *repayments.routes,
    *ratchet_values.routes,
]
