"""The rulebook's commands and the page on which a table is approved."""
