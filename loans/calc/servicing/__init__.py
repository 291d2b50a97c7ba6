"""A loan note in service: what is due, what was received and paid, what is overdue, and what would settle it."""
