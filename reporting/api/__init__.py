"""Subsidies for systems: applications, reports, the bureau's review, what a change would do; statistics."""

from reporting.api import reviews, statistics, subsidies, what_if

routes = [*subsidies.routes, *reviews.routes, *what_if.routes, *statistics.routes]
