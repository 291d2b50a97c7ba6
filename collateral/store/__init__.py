"""The database behind ledger, pledges, repos and compliance positions; rows in, values out."""
