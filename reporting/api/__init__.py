"""Subsidies for systems: applications, reports, review, what a change would do; statistics, disclosures."""

from reporting.api import disclosure, outcomes, reviews, statistics, subsidies, what_if

routes = [*subsidies.routes, *reviews.routes, *outcomes.routes, *what_if.routes, *statistics.routes, *disclosure.routes]
