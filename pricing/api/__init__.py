"""Pricing for systems: valuations, quotes, their quality, curves, files, forwards, fair values, risk, trades."""

from pricing.api import curves, fair_values, market, risk, trades, valuations

routes = [*valuations.routes, *market.routes, *curves.routes, *fair_values.routes, *risk.routes, *trades.routes]
