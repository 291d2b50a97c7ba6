"""Pricing for systems: valuations, quotes and their quality, curves' quotes, files, forward prices, fair values."""

from pricing.api import fair_values, market, valuations

routes = [*valuations.routes, *market.routes, *fair_values.routes]
