"""Composition: settings, access policy, pages of the whole, command line."""
