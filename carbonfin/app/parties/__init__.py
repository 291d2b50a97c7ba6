"""Enterprises and counterparties: entered, corrected, listed by people, systems and commands."""
