"""估值: market data, allowance portfolios, forwards and futures-style forwards."""
