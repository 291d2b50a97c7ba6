"""Structured trades valued on the stored curves of a day: swaps, spreads, lending, repos, linked bonds, quantos."""
