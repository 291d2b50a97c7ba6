"""Organisations kept apart: by the services, and by PostgreSQL alone."""
