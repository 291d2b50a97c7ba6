"""Subsidies for people: batch, application, review, what a change would do; statistics, disclosures."""

from reporting.pages import disclosure, outcomes, reviews, statistics, subsidies, what_if

routes = [*subsidies.routes, *reviews.routes, *outcomes.routes, *what_if.routes, *statistics.routes, *disclosure.routes]
