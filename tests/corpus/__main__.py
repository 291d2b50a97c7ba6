"""`python -m tests.corpus DATABASE`: add decisions of kinds and versions that the corpus has none of yet."""

import json
import sys
from dataclasses import asdict, fields

import sqlalchemy as sa

from tests.corpus import FILE, FrozenDecision, frozen_decisions

OF_EACH_MAX = 2
"""How many decisions of one kind and version are kept, the shortest first."""


def main(address: str) -> None:
    """Append to the corpus what the database has and the corpus lacks."""
    names = ", ".join(field.name for field in fields(FrozenDecision))
    query = sa.text(f"SELECT {names} FROM decision ORDER BY kind, version, length(inputs) + length(outputs), id")  # noqa: S608 - own names
    with sa.create_engine(address).connect() as connection:
        found = [FrozenDecision(**row._mapping) for row in connection.execute(query)]
    standing = {(one.kind, one.version) for one in frozen_decisions()}
    taken: dict[tuple[str, str], int] = {}
    with FILE.open("a", encoding="utf-8") as file:
        for one in found:
            key = (one.kind, one.version)
            taken[key] = taken.get(key, 0) + 1
            if key not in standing and taken[key] <= OF_EACH_MAX:
                file.write(json.dumps(asdict(one), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
