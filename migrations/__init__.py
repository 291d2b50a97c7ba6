"""Alembic migrations, shipped with the wheel."""
