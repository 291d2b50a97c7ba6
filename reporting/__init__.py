"""贴息与披露: subsidy eligibility and the bureau's reports."""
