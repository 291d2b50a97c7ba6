"""Contracts in the terms of the contract standard (ACTUS), run unrounded through the event engine.

What the standard's reference results expect against economic sense stands in this package alone.
"""
