"""Subsidies for systems: applications, reports and the bureau's review."""

from reporting.api import reviews, subsidies

routes = [*subsidies.routes, *reviews.routes]
