"""Trades brought as FpML or CDM over HTTP, on the page and by command: terms, labels, faults, the other shape."""

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.cli import main
from carbonfin.app.packages import PACKAGES
from carbonfin.storage.engine import Sessions
from pricing.feeds.trade_documents import write_cdm
from tests.app.worlds import PAGE, SECRET, World, build_world, form_token, signed_in
from tests.pricing.instruments.trades import forward, option
from tests.pricing.test_trade_documents import FPML, read

SHARED = Path(os.environ.get("CARBONFIN_VECTORS", Path(__file__).parents[3] / "shared" / "vectors"))
VECTORS = SHARED / "cdm-emissions-trades"
PAPERS = {"master_agreement": "NAFMII 2009", "derivatives_licence": "普通类资格"}
FORWARD_CDM = write_cdm(forward())


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    return build_world(sqlite_sessions, packages=PACKAGES)


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with TestClient(world.app, raise_server_exceptions=False) as client:
        client.headers.update(world.key_headers("system"))
        yield client


def send(client: TestClient[Litestar], document: str | bytes, **more: Any) -> Any:
    content = document.encode() if isinstance(document, str) else document
    body = {"file_name": "交易.xml", "content_base64": base64.b64encode(content).decode(), **more}
    return client.post("/v1/trades/read", json=body)


def test_an_fpml_forward_is_given_in_our_terms_and_written_as_cdm(client: TestClient[Litestar]) -> None:
    answer = send(client, FPML, write_as="cdm")
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert (made["shape"], len(made["trades"])) == ("fpml", 1)
    (trade,) = made["trades"]
    # As they stand in the document.
    assert {name: trade[name] for name in ("kind", "unit", "quantity_t", "price_per_t", "currency", "trade_date",
                                           "delivery_date", "expiry_date", "settlement")} == {
        "kind": "forward", "unit": "EUA-2025", "quantity_t": 5000, "price_per_t": "71.25", "currency": "EUR",
        "trade_date": "2025-06-30", "delivery_date": "2025-12-15", "expiry_date": None, "settlement": "physical",
    }  # fmt: skip
    assert trade["buyer"] == {"code": "969500QCC36R89FI3U25", "name": "EnergyCoB"}
    assert trade["seller"] == {"code": "5299000NIGT14YW8ZD26", "name": "EnergyCoA"}
    assert trade["failures"] == []
    assert read(trade["written"]).contract == read(FPML).contract


def test_papers_and_law_each_leave_their_label(client: TestClient[Litestar]) -> None:
    empty = send(client, FORWARD_CDM).json()["trades"][0]
    assert empty["notes_zh"][0] == "仅估值，不可成交（未提供主协议、未提供衍生产品交易资格）"
    assert "碳排放权交易管理暂行条例" in empty["notes_zh"][1]
    half = send(client, FORWARD_CDM, legal_basis={"master_agreement": "NAFMII 2009"}).json()["trades"][0]
    assert half["notes_zh"][0] == "仅估值，不可成交（未提供衍生产品交易资格）"
    # With every paper there the law still admits only spot on exchange.
    full = send(client, FORWARD_CDM, legal_basis=PAPERS).json()["trades"][0]
    assert len(full["notes_zh"]) == len(full["notes_en"]) == 1
    assert full["notes_zh"][0].startswith("仅估值，不可成交（碳排放权交易管理暂行条例")
    assert (full["master_agreement"], full["derivatives_licence"]) == ("NAFMII 2009", "普通类资格")


def test_a_paper_named_in_the_document_stands_before_the_callers(client: TestClient[Litestar]) -> None:
    named = FPML.replace(
        "</commoditySwap>",
        "</commoditySwap><documentation><masterAgreement><masterAgreementType>IETA</masterAgreementType>"
        "</masterAgreement></documentation>",
    )
    trade = send(client, named, legal_basis=PAPERS, write_as="fpml").json()["trades"][0]
    assert trade["master_agreement"] == "IETA"
    assert "<masterAgreementType>IETA<" in trade["written"]


def test_a_single_faulty_trade_is_refused_with_path_and_remedy(client: TestClient[Litestar]) -> None:
    answer = send(
        client, FPML.replace("<quantity>5000<", "<quantity>-5<").replace("EUAllowance", "RGGIEmissionsProduct")
    )
    assert answer.status_code == 422
    problem = answer.json()
    assert "numberOfAllowances[1]/quantity[1]" in problem["detail"]
    assert "productType[1]" in problem["detail"]
    assert problem["context"]["failed_count"] == "2"
    assert problem["errors"][0]["pointer"] == "/content_base64"
    assert problem["remedy_zh"]
    unwritable = send(client, FORWARD_CDM, write_as="fpml")
    assert unwritable.status_code == 422
    assert "CEA-2024" in unwritable.json()["detail"]


def test_of_two_trades_the_good_one_is_given_and_the_bad_one_named(client: TestClient[Litestar]) -> None:
    body = FPML[FPML.index("<trade>") : FPML.index("</trade>") + len("</trade>")]
    answer = send(client, FPML.replace(body, body + body.replace("5000<", "0<")), write_as="cdm")
    assert answer.status_code == 200
    good, bad = answer.json()["trades"]
    assert (good["is_whole"], bad["is_whole"]) == (True, False)
    assert good["written"]
    assert bad["written"] is None
    assert (bad["quantity_t"], bad["price_per_t"]) == (None, "71.25")
    assert bad["failures"][0]["field"].startswith("/dataDocument/trade[2]/")
    assert bad["failures"][0]["remedy_zh"]


@pytest.mark.parametrize(
    "document",
    [b"", b"\xff\xfe", b"{}", b"<a/>", b"NaN", b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', b'{"a": "\\ud800"}',
     b" " * 1_000_001],
)  # fmt: skip
def test_what_is_no_trade_document_is_refused(client: TestClient[Litestar], document: bytes) -> None:
    answer = send(client, document or b" ")
    assert answer.status_code in {400, 413, 422}, answer.text
    assert answer.json()["detail_zh"]


def test_wrong_asks_are_refused(client: TestClient[Litestar]) -> None:
    assert send(client, FPML, write_as="pdf").status_code in {400, 422}
    assert send(client, FPML, unknown=1).status_code in {400, 422}
    assert send(client, FPML, legal_basis={"master_agreement": "x" * 201}).status_code in {400, 422}
    body = {"file_name": "a", "content_base64": "A"}
    assert client.post("/v1/trades/read", json=body).status_code in {400, 422}
    client.headers.clear()
    assert send(client, FPML).status_code == 401


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the published trades are not here")
def test_the_published_trades_keep_quantity_price_dates_and_parties_in_the_other_shape(
    client: TestClient[Litestar],
) -> None:
    for name, quantity_t in (("ex29-physical-eu-emissions-option", 1000), ("ex30-physical-eu-emissions-forward", 1000)):
        text = (VECTORS / f"com-{name}.fpml.xml").read_text(encoding="utf-8")
        trade = send(client, text, write_as="cdm").json()["trades"][0]
        again = send(client, trade["written"], write_as="fpml").json()["trades"][0]
        for field in ("kind", "trade_id", "unit", "price_per_t", "currency", "trade_date", "delivery_date",
                      "expiry_date", "option_type", "exercise_style", "premium_amount", "buyer", "seller"):  # fmt: skip
            assert again[field] == trade[field], field
        assert again["quantity_t"] == trade["quantity_t"] == quantity_t
        assert send(client, again["written"]).json()["trades"][0]["quantity_t"] == quantity_t


def _page(world: World, document: str, **fields: str) -> Any:
    with signed_in(world) as client:
        form = client.get("/trades/read", headers=PAGE).text
        return client.post(
            "/trades/read",
            data={"_csrf_token": form_token(form), **fields},
            files={"file": ("交易.xml", document.encode(), "text/xml")},
            headers=PAGE,
        )


def test_the_page_shows_terms_label_faults_and_the_other_shape(world: World) -> None:
    good = _page(world, FPML, write_as="cdm")
    assert good.status_code == 200
    for words in ("EUA-2025", "5,000", "71.25 EUR", "EnergyCoB 969500QCC36R89FI3U25", "仅估值，不可成交", "cdm.event"):
        assert words in good.text, words
    bad = _page(world, write_cdm(option()).replace('"value": 1000', '"value": 0'), write_as="fpml")
    assert bad.status_code == 422
    assert "trade.tradeLot[0].priceQuantity[0].quantity[0].value" in bad.text
    assert "大于 0 的数字" in bad.text
    assert _page(world, "x").status_code == 422
    assert _page(world, FPML, write_as="pdf").status_code == 422


def test_what_a_document_says_is_text_on_the_page(world: World) -> None:
    shown = _page(world, FPML.replace("EnergyCoB", "&lt;script&gt;alert(1)&lt;/script&gt;"), write_as="cdm").text
    assert "&lt;script&gt;alert(1)" in shown
    assert "<script>alert(1)" not in shown


@pytest.fixture
def command(sqlite_sessions: Sessions, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    build_world(sqlite_sessions)
    monkeypatch.setenv("CARBONFIN_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("CARBONFIN_SECRET", SECRET.decode())
    monkeypatch.setenv("CARBONFIN_VAR", str(tmp_path))
    return tmp_path


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["--as", "officer", *arguments])
    code = ended.value.code
    return code if isinstance(code, int) else 0


def test_the_command_reads_writes_and_names_faults(command: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = command / "a.xml", command / "a.json"
    file.write_text(FPML, encoding="utf-8")
    assert run("--json", "pricing", "read-trade", str(file), "--write-as", "cdm", "--out", str(out)) == 0
    assert json.loads(capsys.readouterr().out)["trades"][0]["quantity_t"] == 5000
    assert read(out.read_text(encoding="utf-8")).contract == read(FPML).contract
    file.write_text(FPML.replace("<quantity>5000<", "<quantity>5e3<"), encoding="utf-8")
    out.unlink()
    assert run("pricing", "read-trade", str(file), "--write-as", "cdm", "--out", str(out)) == 1
    said = capsys.readouterr().out
    assert "大于 0 的数字" in said
    assert "仅估值，不可成交" in said
    assert not out.exists()
    assert run("pricing", "read-trade", str(file), "--out", str(out)) == 2
    assert run("pricing", "read-trade", str(command / "none.xml")) == 2
