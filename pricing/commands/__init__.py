"""Pricing commands: value books and their risk, curves, market data and its quality, trade documents."""

import typer

from pricing.commands import books, compliance, market, profits, risk, structures, trades

commands = typer.Typer(no_args_is_help=True, help="估值与行情 / pricing")
commands.command("value")(books.value)
commands.command("import-book")(books.import_book)
commands.command("risk")(risk.risk)
commands.command("backtest")(risk.backtest)
commands.command("profit")(profits.profit)
commands.command("compliance-value")(compliance.compliance_value)
commands.command("value-structure")(structures.value_structure)
commands.command("value-by-model")(structures.value_by_model)
commands.command("curve")(market.curve)
commands.command("volatility-surface")(market.volatility_surface)
commands.command("volatility")(market.volatility)
commands.command("import-quotes")(market.import_quotes)
commands.command("import-curve-quotes")(market.import_curve_quotes)
commands.command("fetch-market")(market.fetch_market)
commands.command("quality")(market.quality)
commands.command("read-trade")(trades.read_trade)
