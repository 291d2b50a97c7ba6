"""Collateral commands: the desk, pledges with changes and enforcement, repos, compliance, registry and simulator."""

from collateral.commands import (
    allocations,
    book_stresses,
    carry_over,
    changes,
    compliance,
    custody,
    default_simulations,
    eligibility_schedules,
    enforcements,
    haircuts,
    holdings,
    pledge_steps,
    register,
    repos,
)
from collateral.commands.pledges import commands, registry_sim

commands.command("pledge-step")(pledge_steps.pledge_step)
commands.command("top-up")(changes.top_up)
commands.command("substitute")(changes.substitute)
commands.command("part-release")(changes.part_release)
commands.command("convert-vintage")(changes.convert_vintage)
commands.command("changes")(changes.list_changes)
commands.command("propose-repo")(repos.propose_repo)
commands.command("repo-event")(repos.repo_event)
commands.command("repo-events")(repos.repo_events)
commands.command("enforcement")(enforcements.enforcement)
commands.command("propose-default")(enforcements.propose_default)
commands.command("propose-late-cure")(enforcements.propose_late_cure)
commands.command("propose-means")(enforcements.propose_means)
commands.command("failed-sale")(enforcements.failed_sale)
commands.command("settle-sale")(enforcements.settle_sale)
commands.command("ask-transfer-again")(enforcements.ask_transfer_again)
commands.command("distribute")(enforcements.distribute)
commands.command("allocate")(allocations.allocate)
commands.command("propose-schedule")(eligibility_schedules.propose_schedule)
commands.command("eligibility")(eligibility_schedules.eligibility)
commands.command("stress")(book_stresses.stress)
commands.command("simulate-default")(default_simulations.simulate)
commands.command("authority-act")(enforcements.authority_act)
commands.command("authority-acts")(enforcements.authority_acts)
commands.command("repo-reconcile")(repos.repo_reconcile)
commands.command("compliance")(compliance.compliance)
commands.command("import-compliance")(compliance.import_compliance)
commands.command("desk")(register.desk)
commands.command("register")(register.register)
commands.command("custody")(custody.custody)
commands.command("bind-custody")(custody.bind_custody)
commands.command("import-custody")(custody.import_custody)
commands.command("custody-sync")(custody.custody_sync)
commands.command("holdings")(holdings.holdings)
commands.command("state-holding")(holdings.state_holding)
commands.command("carry-over")(carry_over.carry_over)
commands.command("haircut-policies")(haircuts.list_policies)
commands.command("propose-haircut-policy")(haircuts.propose_policy)
commands.command("haircut")(haircuts.haircut)
commands.command("haircut-report")(haircuts.haircut_report)

__all__ = ["commands", "registry_sim"]
