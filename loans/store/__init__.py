"""Carbon accounts, rating reports, loan notes and term sheets at rest: rows in, values out, one bank's only."""
