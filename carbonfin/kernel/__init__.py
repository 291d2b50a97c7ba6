"""Vocabulary: units, allowances, parties, days and errors; pure."""
