"""Loans for people: enterprises and their ratings, the loan desk, applications with a living term sheet."""

from loans.pages import accounts, applications, enterprises, rate_batches, term_sheets

routes = [*enterprises.routes, *accounts.routes, *applications.routes, *term_sheets.routes, *rate_batches.routes]
