"""Collateral commands: the desk, pledges and their changes, compliance positions, the registry and its simulator."""

from collateral.commands import carry_over, changes, compliance, register
from collateral.commands.pledges import commands, registry_sim

commands.command("top-up")(changes.top_up)
commands.command("substitute")(changes.substitute)
commands.command("part-release")(changes.part_release)
commands.command("changes")(changes.list_changes)
commands.command("compliance")(compliance.compliance)
commands.command("import-compliance")(compliance.import_compliance)
commands.command("desk")(register.desk)
commands.command("register")(register.register)
commands.command("carry-over")(carry_over.carry_over)

__all__ = ["commands", "registry_sim"]
