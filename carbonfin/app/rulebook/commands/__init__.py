"""The commands `carbonfin rules …`."""

from carbonfin.app.rulebook.commands import one_table, saved, values
from carbonfin.app.rulebook.commands.book import commands

commands.command("history")(one_table.history_command)
commands.command("diff")(one_table.diff_command)
commands.command("try")(one_table.try_command)
commands.command("export")(one_table.export_command)
commands.command("review")(one_table.review_command)
commands.command("parameter-history")(values.parameter_history_command)
commands.command("parameter-diff")(values.parameter_diff_command)
commands.command("drafts")(saved.drafts_command)
commands.command("submit")(saved.submit_command)
commands.command("withdraw")(saved.withdraw_command)

__all__ = ["commands"]
