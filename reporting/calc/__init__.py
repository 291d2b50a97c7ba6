"""Pure subsidy rules: costs, eligibility, duplicates, amounts."""
