"""The words for what is entered about a party, wherever a form, a page or the security log shows it."""

from collections.abc import Mapping

from carbonfin.kernel.parties import PartyKind
from carbonfin.web.language import Text

KIND_WORDS = {
    PartyKind.ENTERPRISE: Text("企业", "Enterprise"),
    PartyKind.COUNTERPARTY: Text("交易对手", "Counterparty"),
}
FIELD_WORDS: Mapping[str, Text] = {
    "name": Text("名称", "Name"),
    "kind": Text("类别", "Kind"),
    "usci": Text("统一社会信用代码", "USCI"),
    "lei": Text("法人识别编码（LEI）", "LEI"),
    "industry": Text("行业代码", "Industry"),
    "district": Text("所在区", "District"),
    "scheme": Text("所属碳市场", "Scheme"),
    "key_emitter": Text("重点排放单位", "Key emitter"),
}
VALUE_WORDS: Mapping[str, Mapping[str, Text]] = {
    "kind": {kind.value: words for kind, words in KIND_WORDS.items()},
    "key_emitter": {"true": Text("是", "yes"), "false": Text("否", "no")},
}
"""Words for the values of fields that have a few; every other value is shown as it was entered."""
