"""The API's description without a running service, for the generator of clients and for review."""

import secrets

import msgspec

from carbonfin.app.factory import create_app
from carbonfin.app.openapi import closed_schema
from carbonfin.app.settings import Settings


def description() -> bytes:
    """Give the description as the service answers it at `/schema/openapi.json`, indented; no database is opened."""
    settings = Settings(
        database_url="sqlite:///never-opened.db",
        secret=secrets.token_bytes(32),
        host="127.0.0.1",
        port=8000,
        secure_cookies=False,
    )
    schema = closed_schema(create_app(settings).openapi_schema.to_schema())
    return msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n"
