"""The text a decision is kept with is the canonical one, whoever writes it."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from carbonfin.rules.record import ADDED_LATER, canonical_json
from carbonfin.storage.decisions.bulk import written_beside, written_text

_SIGNS = st.characters(exclude_categories=["Cs"])
_PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**80), 2**80), st.text(_SIGNS), st.decimals(allow_nan=False, allow_infinity=False),
    st.dates(), st.fractions(),
)  # fmt: skip


@given(st.recursive(_PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(_SIGNS), inner)))
def test_what_is_written_quickly_is_the_canonical_text(value: object) -> None:
    assert written_text(value) == canonical_json(value)


def test_every_sign_is_written_alike() -> None:
    for start in range(0, 0x110000, 0x1000):
        signs = "".join(chr(code) for code in range(start, start + 0x1000) if not 0xD800 <= code <= 0xDFFF)
        assert written_text({signs: signs}) == canonical_json({signs: signs})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """Fields of which some came later, so that nothing is written of them where they say nothing."""

    plain: object
    other: object = None
    since: object = field(default=None, metadata=ADDED_LATER)
    last: object = field(default=None, metadata=ADDED_LATER)


def _by_hand(said: _Said) -> dict[str, object]:
    kept = {"plain": said.plain, "other": said.other}
    return kept | {name: value for name in ("since", "last") if (value := getattr(said, name)) is not None}


@given(st.lists(st.tuples(_PLAIN, _PLAIN, _PLAIN, _PLAIN), min_size=1))
def test_a_dataclass_is_written_by_its_fields_whatever_their_types_were_before(
    rows: list[tuple[object, object, object, object]],
) -> None:
    for plain, other, since, last in rows:
        said = _Said(plain=plain, other=other, since=since, last=last)
        assert canonical_json(said) == canonical_json(_by_hand(said)) == written_text(said)
        assert written_beside(said, {"plain": written_text(plain)}) == written_text(said)
