"""Pricing for systems: valuations, quotes and their quality, curves' quotes, files, forward prices."""

from pricing.api import market, valuations

routes = [*valuations.routes, *market.routes]
