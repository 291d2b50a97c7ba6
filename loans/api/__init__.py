"""Loans for systems: carbon accounts, ratings, rate decisions, schedules and term sheets with their documents."""

from loans.api import accounts, lending

routes = [*accounts.routes, *lending.routes]
