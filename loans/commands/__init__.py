"""Loan commands: carbon accounts, ratings, rates, schedules, term sheets."""

from loans.commands import accounts
from loans.commands.lending import commands

commands.command("import-account")(accounts.import_account)
commands.command("account")(accounts.account)
commands.command("consent")(accounts.consent)

__all__ = ["commands"]
