"""Subsidies for people: batch, application, steps of the bureau's review, what a change would do; statistics."""

from reporting.pages import reviews, statistics, subsidies, what_if

routes = [*subsidies.routes, *reviews.routes, *what_if.routes, *statistics.routes]
