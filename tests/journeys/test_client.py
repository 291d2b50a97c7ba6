"""The generated Python client against the running service: written from its description, then used as a bank would.

`make client` installs the generator (`.tools/generator`) and writes the client into `build/client`.
"""

import importlib
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from carbonfin.app.description import description
from tests.browser.conftest import serving
from tests.journeys.worlds import make_sample

GENERATOR = Path(__file__).resolve().parents[2] / ".tools" / "generator" / "bin" / "openapi-python-client"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """A bank's program: the generated package, and a client with the bank's key."""

    address: str
    client: Any

    def call(self, package: str, operation: str, **given: Any) -> Any:
        """Call an operation and give the detailed answer."""
        module = importlib.import_module(f"carbonfin_client.api.{package}.{operation}")
        return module.sync_detailed(client=self.client, **given)

    def shape(self, name: str, **values: Any) -> Any:
        """Make an input of the client's own model."""
        return getattr(importlib.import_module("carbonfin_client.models"), name).from_dict(values)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    if not GENERATOR.exists():
        pytest.skip("the client generator is not installed: run `make client` (or `make test`) once")
    folder = tmp_path_factory.mktemp("client")
    (folder / "openapi.json").write_bytes(description())
    made = subprocess.run(
        [GENERATOR, "generate", "--path", folder / "openapi.json", "--output-path", folder / "client", "--meta", "none"],
        capture_output=True, text=True, timeout=120, check=False, cwd=folder,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert "Could not find reference" not in made.stderr, made.stderr
    (folder / "client").rename(folder / "carbonfin_client")
    sys.path.insert(0, str(folder))
    sample = make_sample(folder / "world")
    try:
        with serving(sample.environment, sample.folder) as served:
            client_module = importlib.import_module("carbonfin_client")
            client = client_module.AuthenticatedClient(base_url=served.address, token=sample.outcome.api_key)
            with client:
                yield Bank(address=served.address, client=client)
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.split(".")[0] == "carbonfin_client"]:
            del sys.modules[name]


def test_every_operation_is_there(bank: Bank) -> None:
    package = Path(importlib.import_module("carbonfin_client.api").__path__[0])
    operations = {file.stem for file in package.glob("*/*.py")} - {"__init__"}
    assert {"list_decisions", "create_valuation", "create_rating", "read_pledge", "approve"} <= operations
    assert bank.call("session", "read_actor").parsed.role == "system"


def test_decisions_are_read_page_by_page(bank: Bank) -> None:
    first = bank.call("decisions", "list_decisions", limit=2)
    assert first.status_code == 200
    assert len(first.parsed.decisions) == 2
    following = re.search(r"after=([^&>]+)>; rel=\"next\"", first.headers["link"])
    assert following
    second = bank.call("decisions", "list_decisions", limit=2, after=following.group(1))
    sequences = [one.sequence for one in (*first.parsed.decisions, *second.parsed.decisions)]
    assert sequences == sorted(sequences, reverse=True)
    assert len(set(sequences)) == 4
    whole = bank.call("decisions", "read_decision", decision_id=first.parsed.decisions[0].decision_id)
    assert whole.parsed.record_digest == first.parsed.decisions[0].record_digest
    again = bank.call(
        "decisions", "read_decision", decision_id=whole.parsed.decision_id, if_none_match=whole.headers["etag"]
    )
    assert again.status_code == 304


def test_a_rating_and_a_valuation_are_written_once(bank: Bank) -> None:
    rating = bank.shape("RatingIn", usci="91440300EXAMPLE466", year=2024)
    key = str(uuid.uuid4())
    rated = [bank.call("loans", "create_rating", body=rating, idempotency_key=key) for _ in range(2)]
    assert [answer.status_code for answer in rated] == [201, 201]
    assert rated[0].parsed == rated[1].parsed
    assert rated[1].headers["idempotent-replayed"] == "true"
    book = bank.shape(
        "ValuationIn",
        valuation_date="2025-06-30",
        lines=[{"line_id": "S1", "kind": "spot", "unit": "CCER", "quantity_t": 5000}],
    )
    valued = bank.call("pricing", "create_valuation", body=book, idempotency_key=str(uuid.uuid4()))
    assert valued.status_code == 201, valued.content
    # 5,000 t of CCER at its close of 2025-06-30, 88.50 元/吨 (demo-scenario of the built-in market).
    assert valued.parsed.present_value_cny == "442500.00"
    read = bank.call("pricing", "read_valuation", valuation_id=valued.parsed.valuation_id)
    assert read.parsed.lines[0].line_id == "S1"


def test_a_problem_is_a_value_with_code_and_remedy(bank: Bank) -> None:
    unknown = bank.shape("RatingIn", usci="91440300EXAMPLE467", year=2024)
    refused = bank.call("loans", "create_rating", body=unknown, idempotency_key=str(uuid.uuid4()))
    assert refused.status_code in {404, 422}
    problem = refused.parsed
    assert type(problem).__name__ == "Problem"
    assert problem.code in {"not-found", "invalid-input"}
    assert problem.status == refused.status_code
    assert problem.remedy_zh
    missing = bank.call("decisions", "read_decision", decision_id="none")
    assert (missing.status_code, missing.parsed.code) == (404, "not-found")
    stranger = importlib.import_module("carbonfin_client").AuthenticatedClient(base_url=bank.address, token="cf_none")
    with stranger:
        module = importlib.import_module("carbonfin_client.api.session.read_actor")
        assert module.sync_detailed(client=stranger).parsed.code == "not-authenticated"
