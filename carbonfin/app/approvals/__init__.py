"""Approvals for people and systems: what waits, what it would do, who decided."""
