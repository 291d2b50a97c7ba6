"""Loans for people: enterprises and their ratings, the loan desk, applications with a living term sheet."""

from loans.pages import applications, enterprises, rate_batches, term_sheets

routes = [*enterprises.routes, *applications.routes, *term_sheets.routes, *rate_batches.routes]
