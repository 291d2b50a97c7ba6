"""Collateral commands: the desk, pledges and their changes, repos, compliance positions, registry and simulator."""

from collateral.commands import changes, compliance, register, repos
from collateral.commands.pledges import commands, registry_sim

commands.command("top-up")(changes.top_up)
commands.command("substitute")(changes.substitute)
commands.command("part-release")(changes.part_release)
commands.command("changes")(changes.list_changes)
commands.command("propose-repo")(repos.propose_repo)
commands.command("repo-event")(repos.repo_event)
commands.command("repo-events")(repos.repo_events)
commands.command("repo-reconcile")(repos.repo_reconcile)
commands.command("compliance")(compliance.compliance)
commands.command("import-compliance")(compliance.import_compliance)
commands.command("desk")(register.desk)
commands.command("register")(register.register)

__all__ = ["commands", "registry_sim"]
