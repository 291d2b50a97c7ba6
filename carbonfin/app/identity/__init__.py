"""Proving who asks: short tokens for systems, the own account of a person."""
