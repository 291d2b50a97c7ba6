"""Loan commands: carbon accounts, ratings, rates, schedules, term sheets; credit lines, contracts, drawdowns, links."""

from loans.commands import (
    account_pulls,
    accounts,
    cut_claims,
    facilities,
    links,
    panels,
    ratchet_values,
    rating_tables,
    ratings,
)
from loans.commands.lending import commands

commands.command("import-account")(accounts.import_account)
commands.command("account")(accounts.account)
commands.command("pull-account")(account_pulls.pull_account)
commands.command("provider-sim")(account_pulls.provider_sim)
commands.command("consent")(accounts.consent)
commands.command("credit-lines")(facilities.credit_lines)
commands.command("credit-line")(facilities.credit_line)
commands.command("loan-note")(facilities.loan_note)
commands.command("propose-credit-line")(facilities.propose_credit_line)
commands.command("propose-contract")(facilities.propose_contract)
commands.command("propose-drawdown")(facilities.propose_drawdown)
commands.command("propose-repayment")(facilities.propose_repayment)
commands.command("scorecard")(ratings.scorecard)
commands.command("four-colours")(ratings.four_colours)
commands.command("rating-report")(ratings.rating_report)
commands.command("rating-letter")(ratings.rating_letter)
commands.command("rating-stability")(ratings.rating_stability)
commands.command("ratings-panel")(panels.ratings_panel)
commands.command("freeze-benchmark")(ratings.freeze_benchmark)
commands.command("rate-table")(rating_tables.rate_table)
commands.command("scorecard-sql")(rating_tables.scorecard_sql)
commands.command("links")(links.links)
commands.command("link")(links.link)
commands.command("propose-link")(links.propose_link)
commands.command("propose-link-event")(links.propose_link_event)
commands.command("link-document")(links.link_document)
commands.command("propose-link-observation")(links.propose_link_observation)
commands.command("review-link")(links.review_link)
commands.command("cut-claims")(cut_claims.cut_claims)
commands.command("propose-cut-claim")(cut_claims.propose_cut_claim)
commands.command("propose-cut-release")(cut_claims.propose_cut_release)
commands.command("ratchet-value")(ratchet_values.ratchet_value)

__all__ = ["commands"]
