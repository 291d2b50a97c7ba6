"""What an auditor reads: registers, each a page of its own with an export."""
