"""Every decision of the corpus is made again from its recorded inputs and compared to the bit."""

import hashlib
from collections import Counter

import pytest

from carbonfin.app.decisions.kinds import decision_kinds
from carbonfin.rules.record import canonical_json
from carbonfin.storage.decisions import rebuilt
from tests.corpus import FrozenDecision, frozen_decisions

FROZEN = frozen_decisions()
KINDS = {(kind.name, kind.version): kind for kind in decision_kinds()}


def _name(one: FrozenDecision) -> str:
    return f"{one.kind}-{one.version}-{one.inputs_digest[:8]}"


@pytest.mark.parametrize("one", FROZEN, ids=_name)
def test_a_recorded_decision_comes_out_the_same(one: FrozenDecision) -> None:
    kind = KINDS[one.kind, one.version]
    inputs = rebuilt(one.inputs, kind.inputs)
    assert canonical_json(inputs) == one.inputs, "the inputs are written otherwise than they were recorded"
    again = canonical_json(kind.decide(inputs))
    assert again == one.outputs
    for text, digest in ((one.inputs, one.inputs_digest), (again, one.outputs_digest)):
        assert hashlib.sha256(text.encode()).hexdigest() == digest


def test_the_corpus_has_every_kind_of_decision_of_this_release() -> None:
    counts = Counter((one.kind, one.version) for one in FROZEN)
    assert set(KINDS) <= set(counts), "record one, and add it by `python -m tests.corpus`"
