"""Decisions for a reader: their trace, their record and their replay."""
