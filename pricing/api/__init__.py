"""Pricing for systems: values of books, structured trades and compliance, quotes, curves, files, risk."""

from pricing.api import (
    allowance_models,
    books,
    compliance,
    curves,
    fair_values,
    market,
    options,
    profits,
    risk,
    stress_scenarios,
    structures,
    trades,
    valuation_streams,
    valuations,
    volatilities,
)

routes = [
    *books.routes,
    *valuations.routes,
    *valuation_streams.routes,
    *market.routes,
    *curves.routes,
    *volatilities.routes,
    *options.routes,
    *fair_values.routes,
    *profits.routes,
    *risk.routes,
    *stress_scenarios.routes,
    *structures.routes,
    *allowance_models.routes,
    *trades.routes,
    *compliance.routes,
]
