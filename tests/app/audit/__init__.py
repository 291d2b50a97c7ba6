"""The auditor's registers."""
