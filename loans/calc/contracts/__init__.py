"""Loan terms, interest and repayment schedules in whole fen."""
