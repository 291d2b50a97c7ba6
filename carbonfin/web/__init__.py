"""What routes, pages and commands share."""
