"""What a checker reads of a proposal: each field in words, and a value without words as it is."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from carbonfin.app.approvals.words import payload_rows
from carbonfin.storage.approvals import Approval, ApprovalState
from collateral.calc.agreed_terms import AgreedTerms


@pytest.mark.parametrize(
    ("kind", "payload", "row"),
    [
        ("collateral.repo", {"method": "B"}, ("敞口方法", "B")),
        ("collateral.enforcement", {"method": "auction"}, ("处置方式", "拍卖（单向竞价） / auction")),
        ("parameter", {"grade": "read"}, ("可信等级", "已读原文 / document read")),
        ("person", {"role": "officer"}, ("角色", "客户经理 / Officer")),
        ("parameter", {"confirmed": True}, ("是否确认", "是 / yes")),
        ("key", {"scopes": ["decisions:read", "audit:read"]}, ("使用范围", "decisions:read；audit:read")),
    ],
)
def test_each_value_has_the_words_of_its_field(kind: str, payload: dict[str, Any], row: tuple[str, str]) -> None:
    ((name, value),) = payload_rows(_proposed(kind, payload))
    assert (name.zh, value) == row


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("collateral.margin_default", ("agreement_code", "issued_on", "deadline", "outstanding_amount", "call_id")),
        ("collateral.late_cure", ("agreement_code", "issued_on", "deadline", "received_amount", "currency")),
        ("collateral.margin_terms", AgreedTerms.__slots__),
    ],
)
def test_each_field_of_margin_has_a_chinese_name(kind: str, fields: Sequence[str]) -> None:
    rows = payload_rows(_proposed(kind, dict.fromkeys(fields, "1")))
    assert len(rows) == len(set(fields) - {"call_id"})
    assert [name.zh for name, _ in rows if not re.search(r"[\u4e00-\u9fff]", name.zh)] == []


def _proposed(kind: str, payload: dict[str, Any]) -> Approval:
    return Approval(
        id="a", organization_id="o", kind=kind, subject="s", title_zh="", title_en="", payload=payload,
        payload_digest="", state=ApprovalState.PROPOSED, maker_id="m", maker_name="", maker_reason="", checker_id=None,
        checker_name=None, checker_reason=None, accepted=(), created_at=datetime(2025, 6, 30, tzinfo=UTC),
        decided_at=None, effective_on=None, effective_at=None, expires_at=None, version=1,
    )  # fmt: skip
