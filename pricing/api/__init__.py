"""Pricing for systems: values of books, trades and compliance, quotes and their quality, curves, files, risk."""

from pricing.api import (
    books,
    compliance,
    curves,
    fair_values,
    market,
    options,
    profits,
    risk,
    trades,
    valuation_streams,
    valuations,
)

routes = [
    *books.routes,
    *valuations.routes,
    *valuation_streams.routes,
    *market.routes,
    *curves.routes,
    *options.routes,
    *fair_values.routes,
    *profits.routes,
    *risk.routes,
    *trades.routes,
    *compliance.routes,
]
