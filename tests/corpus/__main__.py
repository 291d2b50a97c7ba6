"""`python -m tests.corpus DATABASE [ID…]`: add decisions of kinds and versions that the corpus has none of yet.

Named decisions are added whatever the corpus has: so are records that grew by a field, since no line is ever edited.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields

import sqlalchemy as sa

from tests.corpus import FILE, FrozenDecision, frozen_decisions

OF_EACH_MAX = 2
"""How many decisions of one kind and version are kept, the shortest first."""


def main(address: str, named: Sequence[str] = ()) -> None:
    """Append to the corpus the named decisions of the database, or where none is named what the corpus lacks."""
    names = ", ".join(field.name for field in fields(FrozenDecision))
    query = sa.text(f"SELECT id, {names} FROM decision ORDER BY kind, version, length(inputs) + length(outputs), id")  # noqa: S608 - own names
    with sa.create_engine(address).connect() as connection:
        rows = [dict(row._mapping) for row in connection.execute(query)]
    found = [(str(row.pop("id")), FrozenDecision(**row)) for row in rows]
    known = {one.inputs_digest for one in frozen_decisions()}
    standing = {(one.kind, one.version) for one in frozen_decisions()}
    taken: dict[tuple[str, str], int] = {}
    with FILE.open("a", encoding="utf-8") as file:
        for identifier, one in found:
            key = (one.kind, one.version)
            taken[key] = taken.get(key, 0) + 1
            is_lacking = key not in standing and taken[key] <= OF_EACH_MAX
            if one.inputs_digest not in known if identifier in named else is_lacking and not named:
                file.write(json.dumps(asdict(one), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
