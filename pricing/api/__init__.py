"""Pricing for systems: valuations, quotes, their quality, curves, files, forwards, fair values, risk."""

from pricing.api import curves, fair_values, market, risk, valuation_streams, valuations

routes = [
    *valuations.routes,
    *valuation_streams.routes,
    *market.routes,
    *curves.routes,
    *fair_values.routes,
    *risk.routes,
]
