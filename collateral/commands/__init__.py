"""Collateral commands: the desk, appraisals, changes of pledges, headroom, the registry and its simulator."""

from collateral.commands import changes
from collateral.commands.pledges import commands, registry_sim

commands.command("top-up")(changes.top_up)
commands.command("substitute")(changes.substitute)
commands.command("part-release")(changes.part_release)
commands.command("changes")(changes.list_changes)

__all__ = ["commands", "registry_sim"]
