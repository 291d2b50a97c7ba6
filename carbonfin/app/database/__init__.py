"""Commands over the database as a whole."""
