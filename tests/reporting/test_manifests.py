"""The signed manifest holds for the very files given, and for no others."""

import dataclasses
import json
from pathlib import Path

from litestar.testing import TestClient

from carbonfin.app.factory import PACKAGES, create_app
from carbonfin.app.signing import signing_from
from carbonfin.kernel.cryptography import sha256_hex, signature_fits
from carbonfin.kernel.dates import FixedClock
from carbonfin.storage.engine import Sessions
from tests.app.worlds import SETTINGS
from tests.reporting.test_edges import NOW, House, build


def test_the_manifest_of_workbook_csv_and_json_checks_with_the_public_key(
    sqlite_sessions: Sessions, tmp_path: Path
) -> None:
    house = House(sqlite_sessions, filed=True)
    settings = dataclasses.replace(SETTINGS, signing=signing_from({}, tmp_path))
    house.app = create_app(settings, house.sessions, FixedClock(NOW), packages=PACKAGES)
    made = build(house)
    client = house.client("bureau")
    at = f"/v1/subsidies/reports/{made['report_id']}"
    said = client.get(f"{at}/manifest.json")
    assert (said.status_code, said.headers["content-type"]) == (200, "application/json")
    envelope = said.json()
    manifest = json.loads(envelope["manifest"])
    assert fits(envelope, envelope["manifest"])
    assert not fits(envelope, envelope["manifest"].replace(manifest["files"][0]["sha256"], "0" * 64))
    assert (manifest["report_id"], manifest["report_digest"]) == (made["report_id"], made["digest"])
    browser = house.browser("bureau-a")
    for one in manifest["files"]:
        ending = Path(one["name"]).suffix.removeprefix(".")
        content = browser.get(f"/subsidies/reports/{made['report_id']}/export/{ending}").content
        assert (len(content), sha256_hex(content)) == (one["byte_count"], one["sha256"]), ending
    assert [Path(one["name"]).suffix for one in manifest["files"]] == [".xlsx", ".csv", ".json"]
    again = client.get(f"{at}/manifest.json").json()
    assert again["manifest"] == envelope["manifest"]
    assert browser.get(f"/subsidies/reports/{made['report_id']}/manifest.json").json()["manifest"] == again["manifest"]
    assert_foreign_is_not_found(house.client("other"), at)


def fits(envelope: dict[str, str], text: str) -> bool:
    key = json.loads(envelope["manifest"])
    return signature_fits(
        algorithm=key["algorithm"], public_key=key["public_key"], message=text.encode(),
        signature=envelope["signature"],
    )  # fmt: skip


def assert_foreign_is_not_found(other: TestClient, at: str) -> None:
    assert other.get(f"{at}/manifest.json").status_code == 404
