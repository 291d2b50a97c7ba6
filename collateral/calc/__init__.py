"""Pure collateral arithmetic: haircuts, coverage, surrender, repo, ledger."""
