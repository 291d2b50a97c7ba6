"""Pure valuation: market snapshots, quote quality, forwards, portfolios."""
