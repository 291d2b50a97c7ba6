"""Cells of the JDM format (GoRules) and of ours: each test of one language as a test of the other, or refused.

Commas stand for alternatives in both. `!=` differs: several of them hold together here and are alternatives there, so
they are carried as `not in […]`. An empty cell of JDM is `-` here: it is carried for values that are there. What the
format's own engine (zen 2.1.3) cannot read makes a row that never answers there, so it is refused here: `-`, `= 5`,
`not("A")`, blanks inside `not in`.
"""

import re

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.domains import AnyDomain, BooleanDomain, CodeDomain, DateDomain
from carbonfin.rules.grammar import ANY, NULL

_SPAN = re.compile(r"([\[(])\s*(.+?)\s*\.\.\s*(.+?)\s*([\])])", re.DOTALL)
_TEST = re.compile(r"(==|!=|<=|>=|<|>)?\s*(.+)", re.DOTALL)
_SIGNED = re.compile(r"(!=|<=|>=|=|<|>)?\s*(.+)", re.DOTALL)
_NONE_OF = re.compile(r"not in \[(.*)\]", re.DOTALL)
_NOT = re.compile(r"not\s*\(\s*(true|false)\s*\)")
_LISTED = re.compile(r"(?:in\s*)?\[(.*)\]", re.DOTALL)
_QUOTED = re.compile(r'"([^"\\]*)"|\'([^\'\\]*)\'')
_NUMBER = re.compile(r"-?\d[\d_]*(\.\d+)?", re.ASCII)
_DAY = re.compile(r'date\(\s*["\'](\d{4}-\d{2}-\d{2})["\']\s*\)', re.ASCII)
_PIECES = re.compile(r'"[^"]*"|\'[^\']*\'|[\[(]|[\])]|,|[^"\'\[\](),]+|.', re.DOTALL)


def cell_from_jdm(text: str, domain: AnyDomain) -> str:
    """Give a JDM cell as a cell of ours.

    Raises:
        InvalidInput: It is an expression or anything else that the grammar of ours does not have.
    """
    stripped = text.strip()
    if not stripped:
        return ANY
    if none_of := _NONE_OF.fullmatch(stripped):
        return ", ".join(f"!={_literal(one, domain)}" for one in split(none_of[1]))
    if isinstance(domain, BooleanDomain) and (negated := _NOT.fullmatch(stripped)):
        return f"!={negated[1]}"
    pieces = split(stripped)
    if len(pieces) > 1 and any(piece.startswith("!=") for piece in pieces):
        raise _refusal(text, "`!=` beside other tests is an alternative in JDM; write not in […]", "“!=”与其他条件并列")
    return ", ".join(test for piece in pieces for test in _tests(piece, domain))


def _tests(piece: str, domain: AnyDomain) -> list[str]:
    if span := _SPAN.fullmatch(piece):
        return [f"{span[1]}{_literal(span[2], domain)}..{_literal(span[3], domain)}{span[4]}"]
    if listed := _LISTED.fullmatch(piece):
        return [_literal(one, domain) for one in split(listed[1])]
    signed = _TEST.fullmatch(piece)
    assert signed is not None, "an empty test was refused before"
    sign = "" if signed[1] in {None, "=="} else signed[1]
    return [f"{sign}{_literal(signed[2], domain)}"]


def _literal(text: str, domain: AnyDomain) -> str:
    stripped = text.strip()
    if isinstance(domain, CodeDomain):
        if (quoted := _QUOTED.fullmatch(stripped)) and (code := quoted[1] or quoted[2] or "") in domain.codes:
            return code
    elif isinstance(domain, BooleanDomain):
        if stripped in {"true", "false"}:
            return stripped
    elif isinstance(domain, DateDomain):
        if day := _DAY.fullmatch(stripped):
            return day[1]
    elif _NUMBER.fullmatch(stripped):
        return stripped.replace("_", "")
    raise _refusal(
        text, f"should be a plain value of {domain.describe()}; expressions are not carried", "应为该列的普通取值"
    )


def split(text: str) -> list[str]:
    """Split at the commas that stand outside quotes and brackets."""
    pieces, depth = [""], 0
    for part in _PIECES.findall(text):
        depth += (part in "[(") - (part in "])")
        if part == "," and not depth:
            pieces.append("")
        else:
            pieces[-1] += part
    stripped = [piece.strip() for piece in pieces]
    if not all(stripped):
        raise _refusal(text, "a test between commas is empty", "逗号之间有空的条件")
    return stripped


def cell_to_jdm(text: str, domain: AnyDomain) -> str:
    """Give a cell of ours as a JDM cell.

    Raises:
        InvalidInput: It speaks of the missing value, which JDM has no cell for.
    """
    parts = [part.strip() for part in text.split("|")]
    if NULL in parts:
        raise _refusal(text, "JDM has no cell for the missing value", "JDM 不能表示缺失值")
    if ANY in parts:
        return ""
    tests = [test.strip() for part in parts for test in part.split(",")]
    excluded = [test[2:] for test in tests if test.startswith("!=")]
    if excluded:
        return f"not in [{', '.join(_written(one, domain) for one in excluded)}]"
    return ", ".join(_test_written(test, domain) for test in tests)


def _test_written(test: str, domain: AnyDomain) -> str:
    if span := _SPAN.fullmatch(test):
        return f"{span[1]}{_written(span[2], domain)}..{_written(span[3], domain)}{span[4]}"
    signed = _SIGNED.fullmatch(test)
    assert signed is not None, "the cell was read before"
    literal = _written(signed[2], domain)
    return literal if signed[1] in {None, "="} else f"{signed[1]} {literal}"


def _written(literal: str, domain: AnyDomain) -> str:
    value = domain.literal(literal.strip())
    text = domain.text(value)
    if isinstance(domain, DateDomain):
        return f'date("{text}")'
    if isinstance(domain, CodeDomain):
        if "\\" in text:
            raise _refusal(text, "JDM reads a backslash as a sign of its own", "JDM 不能表示反斜线")
        return f'"{text}"'
    return text


def output_from_jdm(text: str, *, is_code: bool) -> str:
    """Give an output of a JDM row as tables write it.

    Raises:
        InvalidInput: It is empty or an expression.
    """
    stripped = text.strip()
    quoted = _QUOTED.fullmatch(stripped)
    if is_code and quoted:
        return quoted[1] if quoted[1] is not None else quoted[2]
    if not is_code and _NUMBER.fullmatch(stripped):
        return stripped.replace("_", "")
    what = "a quoted text" if is_code else "a plain number"
    raise _refusal(
        text, f"should be {what}; empty outputs and expressions are not carried", "应为带引号的代码或普通数值"
    )


def _refusal(text: str, why: str, zh: str) -> InvalidInput:
    return InvalidInput(f"{text.strip()!r}: {why}", zh=f"“{text.strip()}”：{zh}", field="cell")
