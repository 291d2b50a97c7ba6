"""Collateral commands: the desk, appraisals, compliance positions, headroom, the registry and its simulator."""

from collateral.commands import compliance
from collateral.commands.pledges import commands, registry_sim

commands.command("compliance")(compliance.compliance)
commands.command("import-compliance")(compliance.import_compliance)

__all__ = ["commands", "registry_sim"]
