"""Pricing for systems: valuations, quotes and their quality, curves' quotes, files, forwards, fair values, risk."""

from pricing.api import fair_values, market, risk, valuations

routes = [*valuations.routes, *market.routes, *fair_values.routes, *risk.routes]
