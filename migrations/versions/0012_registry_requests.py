"""Requests to the registry, each under a key of its own, with the time of its last sending and how it ended.

What the release before has under way is taken over under the key it was sent with.

Revision ID: 0012
Revises: 0005
"""

import json
import uuid

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0005"
branch_labels = None
depends_on = None

ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def keep_apart(table):
    """Have PostgreSQL show an organisation its own rows alone."""
    if op.get_context().dialect.name != "postgresql":
        return
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for name, role, condition in (
        ("unscoped_owner", "CURRENT_USER", f"{SCOPE} = ''"),
        ("operator", "PUBLIC", f"{SCOPE} = 'operator'"),
        ("own", "PUBLIC", f"organization_id = {ORGANIZATION}"),
    ):
        op.execute(f"CREATE POLICY {name} ON {table} FOR ALL TO {role} USING ({condition})")


def upgrade():
    instant = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
    requests = op.create_table(
        "registry_request",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("pledge_id", TEXT, nullable=False),
        sa.Column("operation", TEXT, nullable=False),
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("request_key", TEXT, nullable=False),
        sa.Column("message_id", TEXT, nullable=False),
        sa.Column("units", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("sendings", WHOLE, nullable=False),
        sa.Column("not_after", instant, nullable=True),
        sa.Column("answered_at", instant, nullable=True),
        sa.Column("reference", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.CheckConstraint(
            "state IN ('OPEN', 'DONE', 'REJECTED', 'NEVER_SEEN')", name=op.f("ck_registry_request_state_known")
        ),
        sa.CheckConstraint("sendings >= 0", name=op.f("ck_registry_request_sendings_not_negative")),
        sa.ForeignKeyConstraint(
            ["message_id"], ["outbox_message.id"], name=op.f("fk_registry_request_message_id_outbox_message")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_registry_request_organization_id_organization")
        ),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.id"], name=op.f("fk_registry_request_pledge_id_pledge")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_request")),
        sa.UniqueConstraint(
            "organization_id", "request_key", name=op.f("uq_registry_request_organization_id_request_key")
        ),
        sa.UniqueConstraint(
            "pledge_id", "operation", "number", name=op.f("uq_registry_request_pledge_id_operation_number")
        ),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_registry_request_organization_id_state"), "registry_request", ["organization_id", "state"])
    keep_apart("registry_request")
    take_over(requests)


def take_over(requests):
    """Write a row for each request under way, as if its last sending ended now; those that never left have no time."""
    is_sqlite = op.get_context().dialect.name == "sqlite"
    found = op.get_bind().execute(
        sa.text(
            "SELECT outbox_message.id, outbox_message.organization_id, CAST(payload AS TEXT) AS payload, "
            "outbox_message.state, attempts FROM outbox_message JOIN pledge "
            "ON subject = 'pledge:' || pledge.id AND pledge.organization_id = outbox_message.organization_id "
            "WHERE (kind = 'collateral.freeze' AND pledge.state IN ('FREEZE_REQUESTED', 'FREEZE_UNKNOWN')) OR "
            "(kind = 'collateral.unfreeze' AND pledge.state IN ('UNFREEZE_REQUESTED', 'UNFREEZE_UNKNOWN')) "
            "ORDER BY outbox_message.organization_id, subject, outbox_message.number DESC"
        )
    )
    sqlite_now = sa.text("SELECT strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')")
    now = op.get_bind().execute(sqlite_now if is_sqlite else sa.select(sa.func.now())).scalar_one()
    taken = set()
    for message_id, organization_id, text, state, attempts in found.all():
        payload = json.loads(text)
        if (organization_id, payload["request_key"]) in taken:
            continue
        taken.add((organization_id, payload["request_key"]))
        units = json.dumps(payload["units"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        has_left = state == "delivered" or attempts > 0
        op.get_bind().execute(
            requests.insert().values(
                id=str(uuid.uuid4()), organization_id=organization_id, pledge_id=payload["pledge_id"],
                operation=payload["operation"], number=1, request_key=payload["request_key"], message_id=message_id,
                units=units if is_sqlite else payload["units"], state="OPEN", sendings=int(has_left),
                not_after=now if has_left else None, reference="", reason="",
            )
        )  # fmt: skip


def downgrade():
    op.drop_table("registry_request")
