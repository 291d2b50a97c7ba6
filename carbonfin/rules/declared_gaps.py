"""Days left out between versions of one table, and which versions say that they are left out on purpose."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from carbonfin.rules.continuity import Disorder, beside_gaps, gap_disorders
from carbonfin.rules.tables import TableVersion


def undeclared_gaps(versions: Sequence[TableVersion]) -> Iterator[tuple[int, Disorder]]:
    """Give the days that versions of one file leave out without saying so, with the version's place in the file."""
    for places in _of_each_table(versions):
        dated = [versions[place] for place in places]
        for one in gap_disorders(dated, declared=declared_in(dated)):
            yield places[one.place], one


def declared_in(versions: Sequence[TableVersion]) -> tuple[int, ...]:
    """Give the places of the versions that declare a gap."""
    return tuple(place for place, one in enumerate(versions) if one.declares_gap)


def declared_beside(versions: Sequence[TableVersion]) -> tuple[TableVersion, ...]:
    """Let every version beside a gap declare it where one of them does: each is proposed by itself."""
    return _marked(versions, lambda dated: beside_gaps(dated, declared=declared_in(dated)))


def declared_at_rest(versions: Sequence[TableVersion]) -> tuple[TableVersion, ...]:
    """Let approved versions beside a gap declare it: none is approved without having been proposed so."""
    return _marked(versions, beside_gaps)


def _marked(
    versions: Sequence[TableVersion], beside: Callable[[Sequence[TableVersion]], Collection[int]]
) -> tuple[TableVersion, ...]:
    marked = {
        places[nth] for places in _of_each_table(versions) for nth in beside([versions[place] for place in places])
    }
    return tuple(
        replace(one, declares_gap=True) if place in marked and not one.declares_gap else one
        for place, one in enumerate(versions)
    )


def _of_each_table(versions: Sequence[TableVersion]) -> list[list[int]]:
    """Give the places of each table's versions."""
    found: dict[str, list[int]] = {}
    for place, one in enumerate(versions):
        found.setdefault(one.table.name, []).append(place)
    return list(found.values())
