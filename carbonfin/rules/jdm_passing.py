"""JDM's `passThrough`: a table hands its request on with its answer, and where no row hits the request is the answer.

Of a table's own outputs that says the same as no answer, unless the request holds the field of an output: then the
engine answers with what it was asked. Such a table is carried only where a row hits whatever is asked. Lists of answers
(`collect`) hand nothing through.
"""

import re
from collections.abc import Mapping
from typing import Any

from carbonfin.rules.tables import DecisionTable
from carbonfin.rules.validate import FindingKind, validate

KEY = "passThrough"
_NO_TRUTH = "should be true or false", "应为 true 或 false"
_OPEN = frozenset({FindingKind.GAP, FindingKind.NOT_PROVEN})


def passing_fault(content: Mapping[str, Any], table: DecisionTable) -> tuple[str, str] | None:
    """Say why a table that hands its request through is not carried; None where it is, to the same answers.

    Args:
        content: The table's node as the file has it.
        table: What was read of it.

    Returns:
        What should stand at `passThrough`, in English and in Chinese.
    """
    passes = content.get(KEY)
    if not isinstance(passes, bool | None):
        return _NO_TRUTH
    shared = _asked_and_answered(content)
    if not passes or not table.hit_policy.is_single or not shared:
        return None
    found = next((one for one in validate(table).findings if one.kind in _OPEN), None)
    if found is None:
        return None
    case = ", ".join(f"{name} = {value}" for name, value in found.counter_example.items()) or found.en
    case_zh = case if found.counter_example else found.zh
    expected = f"should be false, or a row hit whatever is asked ({case}): else {shared} is answered from the request"
    expected_zh = (
        f"应为 false，或补充规则行使任何输入都有一行适用（{case_zh}）；否则引擎以请求中的 {shared} 作为结果，不支持"
    )
    return expected, expected_zh


def _asked_and_answered(content: Mapping[str, Any]) -> str:
    """Give the first field of an output that an input asks the request for, or for a part of; empty where none does."""
    asked = [str(one.get("field") or "") for one in content.get("inputs", ())]
    answered = [str(one.get("field") or "") for one in content.get("outputs", ())]
    return next(
        (name for name in answered if any(re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", one) for one in asked)), ""
    )
