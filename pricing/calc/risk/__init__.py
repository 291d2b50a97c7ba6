"""Risk of books: value at risk, expected shortfall, stress, contributions, backtests."""
