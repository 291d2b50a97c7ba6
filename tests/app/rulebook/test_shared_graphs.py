"""The graphs of the JDM format's own project through the product's door.

Each table that the format shares with ours answers as the format's engine does; each other is refused by name and place.
"""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from carbonfin.rules.jdm_columns import JdmColumns
from carbonfin.rules.plain_tables import table_from_plain
from tests.app.worlds import World
from tests.vectors.comparison import Comparison, Tolerance
from tests.vectors.formats.jdm import alone, asked_by_tests, columns_seen, field_path
from tests.vectors.rule_tables import inputs_from_cells
from tests.vectors.zen_oracle import compare_with_zen

SHARED = Path(os.environ.get("CARBONFIN_VECTORS", Path(__file__).parents[4] / "shared" / "vectors"))
GRAPHS = sorted((SHARED / "gorules-zen" / "graphs").glob("*.json"))
pytestmark = pytest.mark.skipif(not GRAPHS, reason=f"the shared graphs are not at hand in {SHARED}")
CARRIED_AT_LEAST = 55
"""Tables without expressions, functions, loops and free columns: what the format shares with ours."""


def _sheet(columns: JdmColumns) -> dict[str, object]:
    """Write what the cells let see of the columns as it is sent."""
    return {
        "inputs": {
            field: {"domain": one.domain.describe(), "name": one.name} for field, one in columns.inputs.items()
        },
        "outputs": {field: {"kind": one.kind.value, "name": one.name} for field, one in columns.outputs.items()},
    }  # fmt: skip


def _sent(client: TestClient[Any], path: Path, node: dict[str, Any]) -> dict[str, Any]:
    """Send a whole graph, of which one node is to be read."""
    answer = client.post(
        "/v1/rules/files",
        json={
            "file_name": path.name, "content_base64": base64.b64encode(path.read_bytes()).decode(),
            "valid_from": "2026-01-01", "known_from": "2026-03-02", "node": node["id"],
            "sheet": _sheet(columns_seen(node["content"])),
        },
    )  # fmt: skip
    assert answer.status_code == 200, f"{path.name}, {node['name']}: {answer.text}"
    return dict(answer.json())


def _differences(plain: dict[str, Any], path: Path, graph: dict[str, Any], node: dict[str, Any]) -> list[str]:
    """Ask the table as it came through the door, and the format's engine, the same."""
    table, content, columns = table_from_plain(plain), node["content"], columns_seen(node["content"])
    asked = {columns.inputs[one["field"]].name: field_path(one["field"]) for one in content["inputs"]}
    answered = {columns.outputs[one["field"]].name: one["field"] for one in content["outputs"]}
    rows = [*inputs_from_cells(table), *asked_by_tests(graph, node["id"], asked)]
    check = Comparison(Tolerance(value=0.0, is_absolute=True, source="equal"))
    compare_with_zen(check, table, alone(node), rows, asked=asked, answered=answered)
    return [f"{path.name}, {node['name']}: {why}" for why in check.differences]


def test_every_table_of_the_graphs_is_read_and_answers_alike_or_is_refused_by_place(world: World) -> None:
    pytest.importorskip("zen")
    carried: list[str] = []
    different: list[str] = []
    with TestClient(world.app) as client:
        client.headers.update(world.key_headers())
        for path in GRAPHS:
            graph = json.loads(path.read_text())
            for node in graph["nodes"]:
                if node["type"] != "decisionTableNode":
                    continue
                found = _sent(client, path, node)
                assert bool(found["tables"]) is not bool(found["faults"])
                start = f"{path.name}：节点 {node['name']}"
                assert all(one["place"].startswith(start) and one["expected_zh"] for one in found["faults"])
                for review in found["tables"]:
                    carried.append(node["name"])
                    different += _differences(review["table"], path, graph, node)
    assert different == []
    assert len(carried) >= CARRIED_AT_LEAST
