"""降碳贷: carbon ratings, rate decisions, schedules and term sheets."""
