"""Figures that come in: the project's own table of public figures, and price files that people bring."""
