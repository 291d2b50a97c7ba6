"""质押与回购: ledger, pledges, repos, registries, surrender safety."""
