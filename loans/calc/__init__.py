"""Pure loan arithmetic: ratings, rates, schedules, term sheets."""
