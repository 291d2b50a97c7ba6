"""Subsidies for people: a batch, an application, and the steps of the bureau's review."""

from reporting.pages import reviews, subsidies

routes = [*subsidies.routes, *reviews.routes]
