"""Quotes, rates, portfolios and valuations at rest; only here are rows made and read."""
