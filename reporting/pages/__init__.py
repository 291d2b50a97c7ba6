"""Subsidies for people: batch, application, review, what a change would do; statistics, disclosures."""

from reporting.pages import disclosure, reviews, statistics, subsidies, what_if

routes = [*subsidies.routes, *reviews.routes, *what_if.routes, *statistics.routes, *disclosure.routes]
