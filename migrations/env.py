"""Runs migrations on the connection that `carbonfin.storage.schema` hands over; there is no alembic.ini."""

from alembic import context

from carbonfin.storage import migration_text

# Guards are written into migrations; a mere comparison could not put one into words.
compares_only = context.config.attributes.get("compares_only", False)
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    render_as_batch=True,
    render_item=migration_text.render_item,
    compare_type=migration_text.types_differ,
    process_revision_directives=None if compares_only else migration_text.keep_guards,
)
with context.begin_transaction():
    context.run_migrations()
