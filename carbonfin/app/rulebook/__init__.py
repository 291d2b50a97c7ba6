"""The rulebook for people: decision tables from files, checked, proposed, and shown to those who approve them."""
