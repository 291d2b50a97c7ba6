"""The decision tables written out in the documentation are sound and keep the contract of their name."""

import re
from pathlib import Path

import pytest

from carbonfin.app.packages import TABLE_CONTRACTS
from carbonfin.rules.contracts import contract_for, faults
from carbonfin.rules.table_files import tables_from_toml
from carbonfin.rules.validate import validate

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"
_TABLES = re.compile(r"^```toml\n(?P<body>\[\[table\]\].*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [
    (path.name, found["body"])
    for path in sorted(GUIDES.glob("*.md"))
    for found in _TABLES.finditer(path.read_text(encoding="utf-8"))
]


def test_the_loan_officers_guide_shows_a_table() -> None:
    assert "loan-officer.md" in {name for name, _ in BLOCKS}


@pytest.mark.parametrize(("name", "body"), BLOCKS)
def test_a_table_in_a_guide_may_be_proposed(name: str, body: str) -> None:
    for version in tables_from_toml(body, file_name=name):
        assert validate(version.table).may_be_published
        contract = contract_for(TABLE_CONTRACTS, version.table.name)
        assert contract is not None
        assert faults(contract, version.table) == ()


def test_every_input_a_decision_offers_stands_in_a_guide_with_its_unit() -> None:
    guide = "\n".join((GUIDES / name).read_text(encoding="utf-8") for name in ("loan-officer.md", "bureau.md"))
    for contract in TABLE_CONTRACTS:
        assert f"`{contract.name}`" in guide
        for one in contract.inputs:
            assert re.search(rf"^\| `{one.name}` \| .* \| `{one.kind}(\[…\] {one.unit})?`", guide, re.MULTILINE), one
