"""The text a decision is kept with is the canonical one, whoever writes it."""

from hypothesis import given
from hypothesis import strategies as st

from carbonfin.rules.record import canonical_json
from carbonfin.storage.decisions.bulk import written_text

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
