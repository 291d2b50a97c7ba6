"""Emissions of an enterprise and what they say beside its output and its sector."""
