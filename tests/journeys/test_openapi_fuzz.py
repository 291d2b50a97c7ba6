"""Every operation of the description is called with made-up and with known values; no answer may be undescribed."""

import base64
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from litestar import Litestar
from schemathesis import Case
from schemathesis.checks import CheckFunction
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks
from sqlalchemy import text

from carbonfin.app.factory import create_app
from carbonfin.kernel.actors import Role
from carbonfin.kernel.allowances import Unit
from carbonfin.rules.plain_tables import table_from_plain
from carbonfin.rules.table_files import tables_to_toml
from carbonfin.rules.tables import TableVersion, plain_table
from carbonfin.storage.engine import Sessions
from carbonfin.storage.files import EvidenceKind, LinkDraft, check_file, link_file, store_file
from carbonfin.storage.job_requests import JobAsk, ask_for_job, note_done
from carbonfin.storage.messages import InboxNotice, WebhookDraft, lay_out, publish, register_webhook, tell
from carbonfin.storage.parties import add_external_id, issue_key, party_by_code, standing_of
from collateral.feeds.portfolio_files import PORTFOLIO_COLUMNS
from collateral.service import (
    ChangeDraft,
    ChangeKind,
    PledgeDraft,
    UnitQuantity,
    apply_for_pledge,
    pledge_by_code,
    propose_change,
    repo_by_code,
)
from collateral.store.repos import change_repo_state
from loans.feeds.account_files import ENTRY_COLUMNS
from loans.feeds.benchmark_files import PEER_COLUMNS
from loans.service import RateRequest, decide_rates
from pricing.feeds.trade_documents import write_cdm
from pricing.service import record_valuation
from reporting.calc.quarters import Quarter
from reporting.service import build_report
from tests.collateral.haircut_stacks import POLICY_BODY
from tests.journeys.worlds import CLOCK, SampleCopy, move_rows, opened
from tests.loans.cut_samples import claim_sample_cut
from tests.loans.facility_samples import CONTRACT, DRAWDOWN, LINE, sign_sample_contract
from tests.loans.green_samples import RECOGNITION, enter_sample_catalogue
from tests.loans.link_worlds import LINK, REPORT_FILE, sign_sample_link
from tests.loans.ratchet_samples import RATCHET_BODY
from tests.pricing.instruments.trades import forward
from tests.reporting.samples import KNOWN_AT
from tests.rules.samples import sample_table

EXAMPLES = 12
EXAMPLES_MORE = 400
"""For an operation that none of its examples got answered well: which ones do is a matter of luck."""
TODAY = date(2025, 6, 30)
CHECKS: list[CheckFunction] = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
]
"""Left out are `positive_data_acceptance`, since a check character or a settlement day cannot be said in JSON Schema;
`ignored_auth`, which `tests/test_access.py` asks of every route; `missing_required_header`, which looks at cases of the coverage
phase alone (a missing key or If-Match: `tests/web`); and those that follow links between operations, of which there are none."""
DAYS = (
    "2025-06-30", "2025-07-01", "2026-07-01", "2024-02-29", "2025-06-28", "2025-12-31", "2031-01-02", "0001-01-01",
    "9999-12-31", "2025-02-30", "1999-12-31", "2024-01-02", "2026-01-01",
)  # fmt: skip
UNITS = ("CEA-2023", "CEA-2024", "CEA", "CCER", "SZA-2022", "SZA-2023", "SZA-2024", "SZA2024", "EUA-2025", "SZA", "XYZ")
CODES = ("91440300EXAMPLE11K", "91440300EXAMPLE2XB", "91440300EXAMPLE38B", "91440300EXAMPLE466", "91440300EXAMPLE541",
         "91440300EXAMPLE467")  # fmt: skip
AMOUNTS = ("0", "0.01", "1000000.00", "3000000", "999999999999999.99", "0.00", "17.5")
PRICES = ("0", "75.02", "999999999.999999", "0.000001")
FILES = (
    "日期,品种,收盘价\n2025-07-01,CEA,75.10\n",
    "date,unit,price_cny_per_t\n2025-07-01,CEA,75.10\n",
    "date,unit,price_cny_per_t\n2025-07-01,CEA,NaN\n",
    '日期,品种,收盘价,成交量\n2025-07-01,CEA,"1,075.10",5\n',
    "\x00\x01",
    "",
)


LOAN = {
    "principal_cny": "1000000.00", "drawdown_date": "2025-07-01", "maturity_date": "2026-07-01", "basis": "act/360",
    "method": "bullet", "interest_period_months": 1, "settlement_day": 20, "accrual_dates": "unadjusted",
}  # fmt: skip
PLEDGE = {
    "pledgor": "91440300EXAMPLE541", "units": [{"unit": "SZA-2024", "quantity_t": 5000}],
    "principal_cny": "80000.00", "end_date": "2025-12-31",
}  # fmt: skip
NO_FILE = "0" * 64
GROUND = {"ground": "逾期未补足", "evidence_digest": NO_FILE}
SALE = {
    "method": "auction", "buyer_id": "00000000-0000-4000-8000-000000000000", "evidence_digest": NO_FILE,
    "lots": [{"unit": "SZA-2023", "quantity_t": 10, "price_cny_per_t": "28.00"}],
}  # fmt: skip
TOP_UP = {"kind": "top_up", "reason": "客户申请", "added": [{"unit": "SZA-2024", "quantity_t": 10}]}
PORTFOLIO = {
    "valuation_date": "2025-06-30",
    "lines": [
        {"line_id": "S1", "kind": "spot", "unit": "CEA-2023", "quantity_t": 10},
        {"line_id": "F1", "kind": "forward", "unit": "CEA", "quantity_t": -7, "strike_cny_per_t": "77.5",
         "delivery_date": "2025-12-15"},
    ],
}  # fmt: skip
ANSWER_SECONDS = 300
"""This is no test of speed: the first PDF of a process takes seconds, and longer on a machine at work."""
TABLE = plain_table(sample_table({"grade": "code{A,B}"}, [("A", "-30"), ("-|null", "0")]))
TABLE_FILE = base64.b64encode(
    tables_to_toml(
        [TableVersion(table=table_from_plain(TABLE), valid_from=date(2026, 1, 1), known_from=date(2027, 1, 1))]
    ).encode()
).decode()
PARAMETER = {
    "key": "loans.settlement_day", "value": "15", "unit": "day", "valid_from": "2026-01-01", "known_from": "2027-01-01",
    "document": "结息办法", "grade": "read", "confirmed": True,
}  # fmt: skip
MODEL = {
    "valuation_date": "2025-06-30", "model": "carmona_hinz", "unit": "SZA-2024", "penalty_per_t": "200",
    "compliance_date": "2026-06-30",
    "options": [{"option_type": "call", "strike_per_t": "60", "expiry_date": "2025-12-15"}],
}  # fmt: skip
STRUCTURED = {
    "valuation_date": "2025-06-30",
    "trade": {
        "trade_id": "L1", "kind": "lending", "unit": "CEA", "currency": "CNY", "side": "seller",
        "trade_date": "2025-06-02", "dates": ["2025-12-15"], "quantity_t": 10000, "price_per_t": "70", "rate": "0.05",
        "day_count": "act/365", "other_unit": "CEA", "vintage_risk": "lender", "surrender_risk": "borrower",
    },
}  # fmt: skip
SOUND: Mapping[str, Mapping[str, Any]] = {
    "POST /v1/valuations": PORTFOLIO,
    "POST /v1/valuations/preview": PORTFOLIO,
    "POST /v1/valuations/stream": {
        "line_id": ["S1", "S2"], "kind": ["spot", "spot"], "unit": ["CEA-2023", "CEA-2024"], "quantity_t": [10, 20],
    },
    "POST /v1/risk": PORTFOLIO,
    "POST /v1/risk/backtests": PORTFOLIO,
    "POST /v1/portfolios/files": {
        "file_name": "a.csv", "code": "B9", "name": "示例组合", "replace": True,
        "content_base64": base64.b64encode("代码,类型,品种,数量(吨)\nH1,现货,CEA-2024,10\n".encode()).decode(),
    },
    "POST /v1/compliance-values": {
        "valuation_date": "2025-06-30", "holdings": [{"unit": "CEA-2023", "quantity_t": 60000}],
        "obligations": [{"scheme": "CEA", "year": 2024, "quantity_t": 50000}],
    },
    "POST /v1/parties/{party_id}/compliance": {
        "scheme": "CEA", "compliance_year": 2024, "emissions_t": 796726, "emissions_source": "核查报告",
        "allocation": [{"state": "verified", "standing": "to_come", "quantity_t": 245560, "source": "分配方案"}],
    },
    "POST /v1/custody/accounts": {
        "party_id": "nobody", "custodian_name": "示例银行", "account_number": "6222-0001", "exchange_code": "SZEX",
        "bound_from": "2025-06-01",
    },
    "POST /v1/custody/statements": {
        "side": "bank", "file_name": "a.csv", "preview": True,
        "content_base64": base64.b64encode("日期,账号,品种,余额\n2025-06-30,6222-0001,CNY,10.00\n".encode()).decode(),
    },
    "POST /v1/parties/{party_id}/holdings": {
        "unit": "EUA-2024", "quantity_t": 100, "source": "登记簿对账单",
        "serials": [{"registry": "EU", "kind": "DE", "first": 1001, "last": 1100}],
    },
    "POST /v1/parties/{party_id}/carry-over": {
        "sold_t": 17001, "bought_t": 10000, "registry_t": 60000, "trading_t": 0, "judicially_frozen_t": 0,
        "submitted_t": 0, "is_late": False, "applies_on": "2025-06-30", "source": "登记簿",
    },
    "POST /v1/compliance-positions/files": {
        "file_name": "a.csv", "preview": True,
        "content_base64": base64.b64encode(
            "统一社会信用代码,市场,履约年度,排放量(吨),排放依据\n91440300EXAMPLE2XB,SZA,2024,207105,核查报告\n".encode()
        ).decode(),
    },
    "POST /v1/model-values": MODEL,
    "POST /v1/model-values/preview": MODEL,
    "POST /v1/structured-values": STRUCTURED,
    "POST /v1/structured-values/preview": STRUCTURED,
    "POST /v1/trades/read": {
        "file_name": "交易.json", "content_base64": base64.b64encode(write_cdm(forward()).encode()).decode(),
        "write_as": "cdm",
    },
    "POST /v1/margin-calls/{call_id}/steps": {"step": "agree", "words": "来函同意"},
    "POST /v1/repos": {
        "code": "R9", "seller": "91440300EXAMPLE541", "buyer": "0000EXAMPLEHK0000098", "bank_role": "arranger",
        "unit": "SZA-2023", "quantity_t": 100, "purchase_date": "2025-06-30", "repurchase_date": "2025-07-30",
        "currency": "HKD", "purchase_price_amount": "1000.00", "rate": "0.03", "settlement": "示例账户", "reason": "合同",
    },
    "POST /v1/repos/reconciliations": {
        "counterparty": "0000EXAMPLEHK0000098", "file_name": "repos.csv",
        "content_base64": base64.b64encode(PORTFOLIO_COLUMNS.example.encode()).decode(),
    },
    "POST /v1/repos/previews": {
        "code": "R9", "seller": "91440300EXAMPLE541", "buyer": "0000EXAMPLEHK0000098", "bank_role": "arranger",
        "unit": "SZA-2023", "quantity_t": 100, "purchase_date": "2025-06-30", "repurchase_date": "2025-07-30",
        "currency": "HKD", "purchase_price_amount": "1000.00", "rate": "0.03", "settlement": "示例账户", "reason": "合同",
        "margin_ratio": "2.00",
    },
    "POST /v1/repos/{repo_id}/events": {"kind": "terminate", "notice_days": 2, "reason": "按合同通知"},
    "POST /v1/repos/{repo_id}/events/previews": {"kind": "reprice", "reason": "双方同意"},
    "POST /v1/margin-terms": {
        "agreement_kind": "pledge", "agreement_code": "P3", "notification_time": "11:00", "transfer_time": "15:00",
        "resolution_time": "12:00", "days_on_time": 1, "days_late": 2, "resolution_days": 1, "grace_days": 1,
        "document": "补充协议 第三条", "valid_from": "2025-07-01", "reason": "补充协议",
    },
    "POST /v1/allocations/previews": {
        "pledgor": "91440300EXAMPLE2XB", "use_cost_rate": "0.03", "movement_cost_rate": "0.001",
    },
    "POST /v1/haircut-policies": POLICY_BODY,
    "POST /v1/credit-lines": {**LINE, "number": "SX-9"},
    "POST /v1/loan-contracts": {**CONTRACT, "number": "HT-9", "amount": "1000000.00"},
    "POST /v1/loan-contracts/{contract_number}/drawdowns": DRAWDOWN,
    **{
        f"POST /v1/loan-notes/{{note_code}}/repayments{end}": {
            "reference": "HD-1", "paid_on": "2025-06-30", "amount_cny": "20000.00", "reason": "入账", "prepays": True,
        }
        for end in ("", "/previews")
    },
    "POST /v1/loan-notes/{note_code}/green-recognitions": RECOGNITION,
    "POST /v1/cut-claims": {
        "usci": "91440300EXAMPLE466", "year": 2025, "measure": "屋顶光伏", "cut_t": "100", "claimant_kind": "ccer",
        "claimant": "CCER-1", "sold_t": "10", "evidence_digest": REPORT_FILE.digest, "reason": "主张",
    },
    "POST /v1/cut-claims/{claim_id}/releases": {"reason": "减排量已注销"},
    "POST /v1/sustainability-links": {**LINK, "number": "GL-9", "contract_number": "HT-2025-002"},
    "POST /v1/sustainability-links/{link_number}/events": {
        "event": "suspend", "valid_from": "2025-07-10", "reason": "借款人重组",
    },
    "POST /v1/sustainability-links/{link_number}/documents": {
        "kind": "compliance-certificate", "observation_number": 1, "document_date": "2025-06-30",
        "received_date": "2025-06-30", "evidence_digest": REPORT_FILE.digest, "signed_by": "财务总监",
    },
    "POST /v1/sustainability-links/{link_number}/reviews": {"green_power_counted_twice": False},
    "POST /v1/sustainability-links/{link_number}/observations": {"observation_number": 1, "reason": "未提交"},
    "POST /v1/ratchet-values": {**RATCHET_BODY, "note_code": "JJ-P2"},
    "POST /v1/eligibility-schedules": {
        "code": "S9", "valid_from": "2026-12-01", "document": "示例", "reason": "新设",
        "schedule": {"criteria": [{
            "collateralCriteria": {"AssetType": {"assetType": "COMMODITY"}}, "treatment": {"isIncluded": True},
        }]},
    },
    "POST /v1/collateral-stresses": {
        "scenarios": [{
            "code": "own", "name": "自定", "price_ratio": "0.3", "price_days": 5, "is_simulated": False, "cliff_day": None,
            "cliff_years": 0, "outage_days": 0, "cash_ratio": "0",
        }],
        "path_count": 2000, "seed": 1,
    },
    "POST /v1/haircuts": {
        "policy": "SZA-2024-A", "unit": "SZA-2024", "quantity_t": 1000, "ends_on": "2025-12-31",
    },
    "POST /v1/haircut-policies/{code}/reports": {"month": "2025-06", "unit": "SZA-2024", "quantity_t": 1000},
    "POST /v1/market/quotes": {
        "file_name": "a.csv", "exchange": "上海环境能源交易所",
        "content_base64": base64.b64encode("日期,品种,收盘价\n2025-06-27,SZA-2022,39.50\n".encode()).decode(),
    },
    **{
        f"POST /v1/market/{name}": {
            "file_name": "a.csv", "exchange": "发布机构", "content_base64": base64.b64encode(text.encode()).decode(),
        }
        for name, text in (
            ("settlements", "品种,合约代码,到期日,结算日,结算价,币种\nEUA,EUA-2028-12,2028-12-18,2025-06-27,75,EUR\n"),
            ("rates", "利率名称,期限,日期,利率(%)\nSHIBOR,6M,2025-06-27,1.70\n"),
            ("fx", "货币对,期限,日期,汇率\nHKDCNY,SPOT,2025-06-27,0.9130\n"),
            ("volatilities", "品种,到期日,行权价,日期,波动率(%),币种\nEUA,2028-12-18,75,2025-06-27,38,EUR\n"),
        )
    },
    "POST /v1/options/values": {
        "valuation_date": "2025-06-30",
        "lines": [
            {"line_id": line, "surface": "EUA", "option_type": "call", "quantity_t": 1000, "strike_per_t": "75",
             "expiry_date": "2025-12-15", "delivery_date": "2025-12-15"}
            for line in ("O1", "O2")
        ],
    },
    "POST /v1/pledges/appraisals": {"code": "P8", **PLEDGE},
    "POST /v1/pledges": {"code": "P9", **PLEDGE},
    "POST /v1/pledges/{pledge_id}/steps": {"step": "appraise"},
    "POST /v1/pledges/{pledge_id}/enforcement/defaults": GROUND,
    "POST /v1/pledges/{pledge_id}/enforcement/late-cures": GROUND,
    "POST /v1/pledges/{pledge_id}/enforcement/failed-sales": GROUND,
    "POST /v1/pledges/{pledge_id}/enforcement/means": {**GROUND, "method": "auction"},
    "POST /v1/pledges/{pledge_id}/enforcement/means/previews": {"method": "auction"},
    "POST /v1/pledges/{pledge_id}/enforcement/simulations/previews": {
        "after_days": 60, "discount_ratio": "0.3", "success_ratio": "0.6", "costs_cny": "0.00",
    },
    "POST /v1/pledges/{pledge_id}/enforcement/sales": SALE,
    "POST /v1/pledges/{pledge_id}/enforcement/sales/previews": SALE,
    "POST /v1/pledges/{pledge_id}/enforcement/transfers": {"reason": "买方账户已更正"},
    "POST /v1/pledges/{pledge_id}/enforcement/distributions": {"costs_cny": "12000.00", "evidence_digest": NO_FILE},
    "POST /v1/pledges/{pledge_id}/enforcement/distributions/previews": {"costs_cny": "12000.00"},
    "POST /v1/authority-acts": {
        "kind": "freeze", "holder": "91440300EXAMPLE38B", "pledge_id": None, "unit": "SZA-2024",
        "quantity_t": 1, "freeze_id": None, "authority": "示例区人民法院", "document": "(2025)示例执1号",
        "document_date": "2025-06-30", "evidence_digest": NO_FILE,
    },
    "POST /v1/pledges/{pledge_id}/changes": TOP_UP,
    "POST /v1/pledges/{pledge_id}/changes/previews": TOP_UP,
    "POST /v1/pledges/{pledge_id}/changes/{change_id}/withdraw": {"reason": "客户撤回"},
    "POST /v1/pledges/{pledge_id}/changes/{change_id}/requests": {"reason": "账户已核对"},
    "POST /v1/carbon-accounts/{party_id}/consents": {
        "purpose": "rating", "state": "given", "given_on": "2025-06-30", "evidence": "授权书 2025-001",
    },
    "POST /v1/carbon-accounts/entries": {
        "entries": [
            {"usci": "91440300EXAMPLE466", "kind": "value_added", "year": 2024, "quantity": "61500000", "unit": "元",
             "source": "纳税申报"},
        ],
    },
    "POST /v1/carbon-accounts/files": {
        "file_name": "lines.csv", "content_base64": base64.b64encode(ENTRY_COLUMNS.example.encode()).decode(),
        "preview": True,
    },
    "POST /v1/carbon-accounts/{party_id}/pulls": {"provider": "tax", "from_year": 2023, "to_year": 2024},
    "POST /v1/ratings": {"usci": "91440300EXAMPLE466", "year": 2024},
    "POST /v1/ratings/objections": {
        "usci": "91440300EXAMPLE466", "ground": "用电量有误", "received_on": "2025-06-30",
    },
    "POST /v1/ratings/objections/{objection_id}/answers": {"outcome": "dismissed", "finding": "经核实无误"},
    "POST /v1/ratings/batches": {"uscis": ["91440300EXAMPLE466"], "year": 2024},
    "POST /v1/ratings/reports": {
        "usci": "91440300EXAMPLE466", "producer": "示例征信机构", "report_date": "2025-06-16", "valid_to": "2026-06-15",
        "score": "72.5", "source": "碳评级报告",
    },
    "POST /v1/ratings/benchmarks": {
        "benchmark_id": "2024", "released_on": "2025-06-30", "source": "本行样本", "file_name": "peers.csv",
        "content_base64": base64.b64encode(PEER_COLUMNS.example.encode()).decode(),
    },
    "POST /v1/loan-classifications": {
        "classes": [
            {"note_code": "JJ-P3", "classified_on": "2025-06-30", "risk_class": "normal", "source": "风险系统", "stage": 1},
        ],
    },
    "POST /v1/rate-what-ifs": {
        "usci": "91440300EXAMPLE466", "margin_bp": 40, "lpr_tenor": "1Y", "applies_from": "2025-07-01",
        "scores": ["70", "80.5"], "lpr_path": [{"start": "2025-07-01", "rate": "0.03"}],
        "loan": {
            "principal_cny": "1000000.00", "maturity_date": "2026-07-01", "method": "bullet",
            "interest_period_months": 1,
        },
    },
    "POST /v1/rate-decisions": {
        "usci": "91440300EXAMPLE466", "margin_bp": 40, "lpr_tenor": "1Y", "applies_from": "2025-07-01",
    },
    "POST /v1/rate-batches": {
        "lpr_tenor": "1Y", "applies_from": "2025-07-01", "rates": [{"usci": "91440300EXAMPLE466", "margin_bp": 40}],
    },
    "POST /v1/schedules": {**LOAN, "rate": "0.0329"},
    "POST /v1/term-sheets": {
        **LOAN, "usci": "91440300EXAMPLE466", "product": "降碳贷", "loan_kind": "流动资金贷款", "purpose": "经营周转",
        "guarantee": "信用", "credit_line_cny": "2000000.00", "margin_bp": 40, "lpr_tenor": "1Y",
    },
    "POST /v1/subsidies/applications": {
        "reference": "A9", "scheme": "nanshan-2025", "applicant_usci": "91440300EXAMPLE2XB",
        "submitted_at": "2025-09-18T10:00:00+08:00", "contract_number": "示例合同-P0", "note_number": "JJ-P0",
        "documents": [],
    },
    "POST /v1/subsidies/reports": {"quarter": "2025Q3", "as_of": "2025-09-26"},
    "POST /v1/subsidies/applications/{application_id}/review-steps": {
        "step": "review", "reason": "材料齐全", "amount_cny": "100.00",
    },
    "POST /v1/subsidies/reports/{report_id}/review-steps": {"step": "publish", "reason": "网站公示"},
    "POST /v1/jobs": {"job": "end-of-day", "last_date": "2025-06-30", "rolls": False},
    "POST /v1/approvals/{approval_id}/approve": {"reason": "复核无误"},
    "POST /v1/approvals/{approval_id}/reject": {"reason": "退回"},
    "POST /v1/approvals/{approval_id}/withdraw": {"reason": "撤回"},
    "POST /v1/files": {"file": "说明", "subject": "loan:JJ-P0", "kind": "contract"},
    "POST /v1/files/{digest}/links": {"subject": "loan:JJ-P0", "kind": "contract"},
    "POST /v1/files/{digest}/links/{link_id}/void": {"reason": "关联有误"},
    "POST /v1/files/{digest}/erasure": {"reason": "保存期满"},
    "POST /v1/webhooks": {"name": "核心系统", "url": "https://bank.example/hooks", "kinds": ["*"]},
    "PATCH /v1/webhooks/{webhook_id}": {"name": "核心系统二"},
    "POST /v1/webhooks/{webhook_id}/rotate-secret": {"overlap_hours": 24},
    "POST /v1/deliveries/{delivery_id}/skip": {"reason": "已另行告知"},
    "POST /v1/external-ids": {"kind": "loan_note", "value": "JJ-2025-001", "subject": "loan:JJ-P0"},
    "POST /v1/parties": {"kind": "enterprise", "name": "示例新能源(深圳)有限公司", "usci": "91440300EXAMPLE62U"},
    "PATCH /v1/parties/{party_id}": {"district": "光明"},
    "POST /v1/rules/tables/{table_name}/trials": {"inputs": {"report_confirmed": True, "points_over_base": "12"}},
    "POST /v1/rules/validations": {"table": TABLE},
    "POST /v1/rules/trials": {"table": TABLE, "inputs": {"grade": "A"}},
    "POST /v1/rules/files": {"file_name": "表.toml", "content_base64": TABLE_FILE},
    "POST /v1/rules/parameters/validations": PARAMETER,
    "POST /v1/rules/parameters/proposals": {"draft": PARAMETER, "reason": "制度修订"},
    "POST /v1/rules/proposals": {
        "table": TABLE, "valid_from": "2026-01-01", "known_from": "2027-01-01", "reason": "产品办法修订",
    },
}  # fmt: skip
"""A body of each writing request that is answered well; made-up values then take the place of some of its own."""
SOUND_QUERIES: Mapping[str, Mapping[str, str]] = {
    "GET /v1/forwards/quote": {"unit": "CEA", "valuation_date": "2025-06-30", "delivery_date": "2025-12-15"},
    "GET /v1/market/quality": {"unit": "CEA"},
    "GET /v1/curves": {"kind": "discount", "name": "CNY", "valuation_date": "2025-06-30"},
    "GET /v1/volatility-surfaces": {"name": "EUA", "valuation_date": "2025-06-30"},
    "GET /v1/statistics": {"first": "2024Q1", "last": "2025Q4"},
    "GET /v1/statistics/workbook.xlsx": {"first": "2024Q1", "last": "2025Q4"},
    "GET /v1/statistics/financing-lines": {"first": "2024Q1", "last": "2025Q4"},
    "GET /v1/statistics/series": {"first": "2024Q1", "last": "2025Q4"},
    "GET /v1/subsidies/what-if": {"scheme": "nanshan-2025", "rate": "0.4"},
    "GET /v1/fair-values": {"unit": "CEA-2024", "valuation_date": "2025-06-30"},
    "GET /v1/volatility-estimates": {"unit": "CCER", "valuation_date": "2025-06-30"},
    "POST /v1/valuations/stream": {"valuation_date": "2025-06-30"},
    "GET /v1/rules/tables/{table_name}": {"valid_on": "2026-02-01", "known_on": "2025-06-30"},
    "POST /v1/rules/tables/{table_name}/trials": {"valid_on": "2026-02-01", "known_on": "2025-06-30"},
}
BUREAU_DOES = {
    "GET /v1/me", "GET /v1/decisions", "GET /v1/decisions/{decision_id}", "POST /v1/decisions/{decision_id}/replay",
    "GET /v1/subsidies/applications", "GET /v1/subsidies/applications/{application_id}/preview",
    "POST /v1/subsidies/reports", "GET /v1/subsidies/reports/{report_id}",
    "GET /v1/subsidies/reports/{report_id}/workbook.xlsx", "GET /v1/subsidies/reports/{report_id}/table.csv",
    "GET /v1/subsidies/reports/{report_id}/difference", "GET /v1/subsidies/reports/{report_id}/manifest.json",
    "GET /v1/subsidies/reports/{report_id}/review", "GET /v1/subsidies/reports/{report_id}/performance.xlsx",
    "GET /v1/subsidies/outcomes", "GET /v1/subsidies/applications/{application_id}/outcome",
    "GET /v1/subsidies/what-if", "GET /v1/statistics", "GET /v1/statistics/workbook.xlsx",
    "GET /v1/statistics/financing-lines", "GET /v1/statistics/series",
    "GET /v1/approvals", "GET /v1/files", "GET /v1/external-ids", "GET /v1/inbox", "GET /v1/decisions/chain",
    "GET /v1/decisions/chain/heads", "GET /v1/rules/tables", "POST /v1/rules/validations", "POST /v1/rules/proposals",
    "GET /v1/rules/parameters", "POST /v1/rules/parameters/validations", "POST /v1/rules/parameters/proposals",
    "GET /v1/rules/parameters/{key}/values", "GET /v1/rules/parameters/{key}/comparison",
    "GET /v1/decisions/registers/{register}", "POST /v1/rules/trials", "POST /v1/rules/files",
}  # fmt: skip
PERSONS_DO = {
    "POST /v1/approvals/{approval_id}/approve", "POST /v1/approvals/{approval_id}/reject",
    "POST /v1/approvals/{approval_id}/withdraw", "POST /v1/files/{digest}/erasure", "POST /v1/rules/proposals",
    "POST /v1/eligibility-schedules", "POST /v1/rules/parameters/proposals", "POST /v1/rules/proposals/{proposal_id}/submit",
}  # fmt: skip
"""Steps of a signed-in person, which no key takes."""
FORMS = {"POST /v1/files"}
"""Answered well only to a named file, which a made-up form does not send; tests/app/test_files.py does."""
CHANGES_WHAT_STANDS = {"PATCH /v1/parties/{party_id}", "PATCH /v1/webhooks/{webhook_id}"}
"""Answered well only to one who names the version that stands, which nobody makes up."""
ADMINISTRATOR_DOES_ALONE = {
    "GET /v1/webhooks", "GET /v1/webhooks/{webhook_id}", "POST /v1/webhooks", "PATCH /v1/webhooks/{webhook_id}",
    "DELETE /v1/webhooks/{webhook_id}", "POST /v1/webhooks/{webhook_id}/rotate-secret", "GET /v1/deliveries",
    "GET /v1/messages/dead",
}  # fmt: skip
WHAT_FAILED_FOR_GOOD = {
    "POST /v1/deliveries/{delivery_id}/resend",
    "POST /v1/deliveries/{delivery_id}/skip",
    "POST /v1/messages/{message_id}/resend",
}
"""Answered well only to what no try delivered, which takes days to become so; tests/app/messages does."""
WHAT_THE_REGISTRY_ANSWERS = {
    "POST /v1/pledges/{pledge_id}/changes/{change_id}/withdraw",
    "POST /v1/pledges/{pledge_id}/changes/{change_id}/requests",
    "GET /v1/pledges/{pledge_id}/changes/{change_id}/letter.pdf",
}
"""Answered well only to a change that the registry has answered; tests/collateral/test_change_edges.py does."""
WHAT_A_DEFAULT_OPENS = {
    "POST /v1/pledges/{pledge_id}/enforcement/late-cures",
    "POST /v1/pledges/{pledge_id}/enforcement/means/previews",
    "POST /v1/pledges/{pledge_id}/enforcement/means",
    "POST /v1/pledges/{pledge_id}/enforcement/failed-sales",
    "POST /v1/pledges/{pledge_id}/enforcement/sales/previews",
    "POST /v1/pledges/{pledge_id}/enforcement/sales",
    "POST /v1/pledges/{pledge_id}/enforcement/transfers",
    "POST /v1/pledges/{pledge_id}/enforcement/distributions/previews",
    "POST /v1/pledges/{pledge_id}/enforcement/distributions",
    "GET /v1/pledges/{pledge_id}/enforcement/notice.pdf",
    "GET /v1/pledges/{pledge_id}/enforcement/surplus.pdf",
}
"""Answered well only to a pledge in default by two people; tests/journeys/test_enforcement_pages.py does."""
WHAT_A_SCHEDULE_OPENS = {"GET /v1/eligibility-schedules/{code}"}
"""Answered well only where two people put a schedule in force; tests/collateral/test_eligibility_schedules.py does."""
WHAT_A_HAIRCUT_POLICY_OPENS = {
    "POST /v1/haircuts", "POST /v1/haircut-policies/{code}/reports",
    "GET /v1/haircut-policies/{code}/reports/{decision_id}",
    "GET /v1/haircut-policies/{code}/reports/{decision_id}/pdf",
    "POST /v1/pledges/{pledge_id}/enforcement/simulations/previews",
}  # fmt: skip
"""Answered well only where two people put a policy in force; tests/collateral/test_haircut_policies.py does, and
test_haircut_reports.py and test_default_simulations.py for what rests on one."""
WHAT_AN_AMOUNT_OPENS = {
    "GET /v1/subsidies/applications/{application_id}/review",
    "POST /v1/subsidies/applications/{application_id}/review-steps",
    "POST /v1/subsidies/reports/{report_id}/review-steps",
}
"""Answered well only where a report proposes an amount, which the sample's unread terms forbid; tests/reporting does."""
WHAT_A_LONG_HISTORY_OPENS = {
    "POST /v1/risk/backtests",
    "POST /v1/model-values",
    "POST /v1/model-values/preview",
}
"""Answered well only where a price has years of quotes; tests/pricing/test_backtests.py and test_allowance_models.py do."""
WHAT_ONE_KIND_OPENS = {
    "GET /v1/structured-values/{decision_id}", "GET /v1/model-values/{decision_id}",
    "GET /v1/collateral-stresses/{decision_id}", "GET /v1/collateral-stresses/{decision_id}/pdf",
    "GET /v1/ratings/explanations/{decision_id}",
}  # fmt: skip
"""Answered well only to a decision of one kind among all there are; test_structures.py, test_allowance_models.py and
test_book_stresses.py do."""
WHAT_A_RATING_OPENS = {
    "POST /v1/ratings/objections", "POST /v1/ratings/objections/{objection_id}/answers", "GET /v1/ratings/explanations",
}  # fmt: skip
"""Answered well only to an enterprise rated by the scorecard; tests/loans/test_rating_objections.py does, and
test_rating_explanations.py."""
WHAT_A_CLOSED_DAY_OPENS = {
    "GET /v1/loan-notes/{note_code}/notices/{kind}/{due_start}/letter.pdf",
    "GET /v1/loan-notes/{note_code}/rate-notices/{rate_notice}/letter.pdf",
}
"""Answered well only where the end of a day wrote a notice; test_notices.py and test_rate_letters.py do."""
WHAT_A_PROVIDER_OPENS = {"POST /v1/carbon-accounts/{party_id}/pulls"}
"""Answered well only where a provider of account data is connected; tests/loans/test_account_pulls.py does."""
ADMINISTRATOR_DOES = ADMINISTRATOR_DOES_ALONE | {
    "GET /v1/me", "GET /v1/inbox", "GET /v1/approvals", "GET /v1/approvals/{approval_id}", "GET /v1/files",
    "GET /v1/files/{digest}", "GET /v1/files/{digest}/content", "POST /v1/files/{digest}/links",
    "POST /v1/files/{digest}/links/{link_id}/void", "GET /v1/external-ids", "POST /v1/external-ids",
    "DELETE /v1/external-ids/{external_id}", "GET /v1/parties", "POST /v1/parties", "GET /v1/parties/{party_id}",
    "PATCH /v1/parties/{party_id}", "GET /v1/jobs", "POST /v1/jobs", "GET /v1/jobs/{job_id}", "GET /v1/rules/tables",
    "GET /v1/rules/tables/{table_name}", "POST /v1/rules/tables/{table_name}/trials", "POST /v1/rules/validations",
    "GET /v1/rules/parameters", "GET /v1/rules/parameters/{key}/values", "GET /v1/rules/parameters/{key}/comparison",
    "GET /v1/rules/tables/{table_name}/versions",
    "GET /v1/rules/tables/{table_name}/comparison", "GET /v1/rules/tables/{table_name}/files/{ending}",
    "POST /v1/rules/trials", "POST /v1/rules/files", "GET /v1/rules/proposals/{proposal_id}",
}  # fmt: skip
BANK_DOES_NOT = PERSONS_DO | FORMS | {
    "POST /v1/subsidies/reports", "GET /v1/subsidies/reports/{report_id}",
    "GET /v1/subsidies/reports/{report_id}/workbook.xlsx", "GET /v1/subsidies/reports/{report_id}/table.csv",
    "GET /v1/subsidies/reports/{report_id}/difference", "GET /v1/subsidies/reports/{report_id}/manifest.json",
    "GET /v1/subsidies/applications/{application_id}/preview", "GET /v1/subsidies/reports/{report_id}/review",
    "GET /v1/subsidies/reports/{report_id}/performance.xlsx", *WHAT_AN_AMOUNT_OPENS,
    *ADMINISTRATOR_DOES_ALONE, *WHAT_FAILED_FOR_GOOD, *WHAT_THE_REGISTRY_ANSWERS, *WHAT_A_DEFAULT_OPENS,
    *WHAT_A_SCHEDULE_OPENS, *WHAT_A_HAIRCUT_POLICY_OPENS, *WHAT_A_LONG_HISTORY_OPENS, *WHAT_ONE_KIND_OPENS,
    *WHAT_A_CLOSED_DAY_OPENS, *WHAT_A_PROVIDER_OPENS, *WHAT_A_RATING_OPENS,
}  # fmt: skip
"""The report is the bureau's own; on the bank's business date the sample applications are not filed yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """The application over a copy of the sample world, with what exists in it."""

    app: Litestar
    role: str
    key: str
    known: Mapping[str, tuple[str, ...]]


_ROLES = ("system", "administrator", "bureau")


@pytest.fixture(
    scope="module",
    params=[*_ROLES, *(pytest.param(f"{role}-postgresql", marks=pytest.mark.postgres) for role in _ROLES)],
)
def called(
    request: pytest.FixtureRequest, sample: SampleCopy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Called]:
    copy = sample.copied(tmp_path_factory.mktemp("fuzz"))
    role, _, kind = request.param.partition("-")
    with ExitStack() as stack:
        sessions = stack.enter_context(copy.opened())
        _close_a_day(copy, sessions)
        _change_a_pledge(copy, sessions)
        _apply_for_pledges(copy, sessions)
        _meet_the_repo(copy, sessions)
        _send_evidence(copy, sessions)
        _rate_many(copy, sessions)
        with sessions.begin() as session:
            sign_sample_contract(session, copy.outcome.maker, clock=CLOCK)
            sign_sample_link(session, copy.outcome.maker, clock=CLOCK)
            enter_sample_catalogue(session, copy.outcome.maker, clock=CLOCK)
            claim_sample_cut(session, copy.outcome.maker, clock=CLOCK)
        _tell_systems(copy, sessions)
        _value_again(copy, sessions)
        _report_again(copy, sessions)
        known = _known(sessions)
        if kind:
            url = stack.enter_context(request.getfixturevalue("postgres").database())
            move_rows(copy.url, url)
            sessions = stack.enter_context(opened(url))
        app = create_app(copy.settings, sessions, CLOCK)
        yield Called(app=app, role=role, key=_key(copy, sessions, role), known=known)


def _rate_many(copy: SampleCopy, sessions: Sessions) -> None:
    """Decide the rate of one borrower as a batch, of which the demonstration has none."""
    maker = copy.outcome.maker
    with sessions.begin() as session:
        standing = standing_of(session, maker.organization_id, CLOCK)
        decide_rates(
            session, maker, [RateRequest(usci="91440300EXAMPLE466", margin_bp=40)], lpr_tenor="1Y",
            applies_from=TODAY, decided_on=standing.business_date, known_at=standing.known_at,
        )  # fmt: skip


def _send_evidence(copy: SampleCopy, sessions: Sessions) -> None:
    """Store one file, of which the demonstration has none."""
    maker = copy.outcome.maker
    sent = check_file("说明：与原件一致。".encode(), name="说明.txt")
    link = LinkDraft(
        subject="loan:JJ-P0", kind=EvidenceKind.OTHER, name=sent.name, is_personal=False, retain_until=None
    )
    with sessions.begin() as session:
        store_file(session, maker, sent, at=CLOCK.now())
        link_file(session, maker, sent.digest, link, at=CLOCK.now())


def _tell_systems(copy: SampleCopy, sessions: Sessions) -> None:
    """Leave webhooks, more than one request takes away, with deliveries, a word for the bank's systems and a number of theirs."""
    maker = copy.outcome.maker
    hooks = [
        WebhookDraft(name=f"核心系统{number}", url=f"https://core.bank.example/hook/{number}", kinds=("*",))
        for number in range(8)
    ]
    notice = InboxNotice(
        organization_id=maker.organization_id, key="fuzz", kind="fuzz", subject="loan:JJ-P0", title_zh="通知",
        title_en="Notice", text_zh="通知", text_en="Notice", address="/loans", role=Role.SYSTEM,
    )  # fmt: skip
    with sessions.begin() as session:
        for hook in hooks:
            register_webhook(session, maker, hook, at=CLOCK.now())
        publish(session, maker, subject="loan:JJ-P0", kind="event.sample", payload={})
        lay_out(session, maker.organization_id, at=CLOCK.now())
        tell(session, notice, CLOCK.now())
        add_external_id(session, maker, kind="contract", value="HT-1", subject="loan:JJ-P0", at=CLOCK.now())


def _close_a_day(copy: SampleCopy, sessions: Sessions) -> None:
    """Leave one job that was asked for and done; the demonstration closes its day without asking."""
    ask = JobAsk(job="end-of-day", business_date=TODAY, last_date=TODAY, rolls=False, total_count=1)
    with sessions.begin() as session:
        asked = ask_for_job(session, copy.outcome.maker, ask, at=CLOCK.now())
        note_done(session, asked.id, at=CLOCK.now())


def _value_again(copy: SampleCopy, sessions: Sessions) -> None:
    """Value the sample portfolio a second time: the change since the first is something to be asked for."""
    record = copy.outcome.valuation.record
    assert record.portfolio_id is not None
    with sessions.begin() as session:
        record_valuation(
            session, copy.outcome.maker, record.portfolio_id,
            valuation_date=record.valuation_date, known_at=record.known_at,
        )  # fmt: skip


def _report_again(copy: SampleCopy, sessions: Sessions) -> None:
    """Build the sample quarter's report a second time: what differs from the first is something to be asked for."""
    with sessions.begin() as session:
        build_report(
            session, copy.outcome.bureau, quarter=Quarter.parse("2025Q3"), as_of=date(2025, 9, 25), told_at=KNOWN_AT
        )


def _meet_the_repo(copy: SampleCopy, sessions: Sessions) -> None:
    """Have the sample repo's margin delivered: no event is taken from one that waits for margin."""
    with sessions.begin() as session:
        found = repo_by_code(session, copy.outcome.maker, "R1")
        assert found is not None
        change_repo_state(session, found, state="OPEN")


def _change_a_pledge(copy: SampleCopy, sessions: Sessions) -> None:
    """Ask for one top-up, which the demonstration does not."""
    maker = copy.outcome.maker
    tonne = UnitQuantity(unit=Unit.parse("SZA-2024"), quantity_t=1)
    draft = ChangeDraft(kind=ChangeKind.TOP_UP, added=(tonne,), freed=(), repayment_cny=Decimal("0.00"), reason="追加")
    with sessions.begin() as session:
        called = pledge_by_code(session, maker, "P3")
        assert called is not None
        propose_change(session, maker, called.id, draft, standing=standing_of(session, maker.organization_id, CLOCK))


def _apply_for_pledges(copy: SampleCopy, sessions: Sessions) -> None:
    """Leave applications that are not appraised yet: a step of a pledge is answered well in its own state alone."""
    maker = copy.outcome.maker
    tonne = UnitQuantity(unit=Unit.parse("SZA-2024"), quantity_t=1)
    with sessions.begin() as session:
        standing = standing_of(session, maker.organization_id, CLOCK)
        pledgor = party_by_code(session, maker, PLEDGE["pledgor"])
        for code in ("A1", "A2"):
            draft = PledgeDraft(
                code=code, pledgor_id=pledgor.id, units=(tonne,), principal_cny=Decimal("20.00"),
                end_date=date(2025, 12, 31), extends_code="",
            )  # fmt: skip
            apply_for_pledge(session, maker, draft, standing=standing)


def _key(copy: SampleCopy, sessions: Sessions, role: str) -> str:
    if role == "system":
        return copy.outcome.api_key
    with sessions.begin() as session:
        return issue_key(
            session,
            organization_id=(copy.outcome.bureau if role == "bureau" else copy.outcome.maker).organization_id,
            name=role,
            role=Role(role),
            scopes=("*",),
            expires_at=CLOCK.now() + timedelta(days=1),
            pepper=copy.settings.secret,
        ).text


def _known(sessions: Sessions) -> Mapping[str, tuple[str, ...]]:
    """Give what exists, by the name a request uses for it."""
    columns = {
        "decision_id": "SELECT id FROM decision",
        "claim_id": "SELECT id FROM decision WHERE kind = 'loans.cut_claim'", "valuation_id": "SELECT id FROM valuation",
        "portfolio_id": "SELECT id FROM portfolio", "pledge_id": "SELECT id FROM pledge",
        "change_id": "SELECT id FROM pledge_change", "call_id": "SELECT id FROM margin_call",
        "repo_id": "SELECT id FROM repo", "party_id": "SELECT id FROM party", "number": "SELECT number FROM term_sheet",
        "batch_id": "SELECT id FROM decision WHERE subject = 'rate-batch'",
        "application_id": "SELECT id FROM subsidy_application", "report_id": "SELECT id FROM subsidy_report",
        "note_number": "SELECT code FROM loan_note", "note_code": "SELECT code FROM loan_note",
        "line_number": "SELECT number FROM credit_line", "contract_number": "SELECT number FROM loan_contract",
        "link_number": "SELECT number FROM sustainability_link",
        "approval_id": "SELECT id FROM approval", "proposal_id": "SELECT approval_id FROM decision_table",
        "job_id": "SELECT id FROM job_request", "webhook_id": "SELECT id FROM webhook",
        "delivery_id": "SELECT id FROM webhook_delivery", "external_id": "SELECT id FROM external_id",
        "item_id": "SELECT id FROM inbox_item WHERE kind = 'fuzz'", "message_id": "SELECT id FROM outbox_message",
        "digest": "SELECT digest FROM evidence_file", "evidence_digest": "SELECT digest FROM evidence_file", "link_id": "SELECT id FROM file_link",
        "scheme": "SELECT scheme FROM subsidy_application", "table_name": "SELECT name FROM decision_table",
    }  # fmt: skip
    with sessions.read() as session:
        found = {
            name: tuple(str(row[0]) for row in session.execute(text(f"{query} ORDER BY rowid")))
            for name, query in columns.items()
        }
    files = tuple(base64.b64encode(file.encode(encoding)).decode() for file in FILES for encoding in ("utf-8", "gbk"))
    codes = dict.fromkeys(("usci", "pledgor", "applicant_usci"), CODES)
    return {
        **found, **codes, "unit": UNITS, "agreement_code": ("P3", "P1"), "content_base64": files, "code": ("P1", "P9"), "extends_code": ("", "P1", "P2"),
        "key": ("loans.settlement_day",), "register": ("sample", "overrides", "unconfirmed", "chain"), "contract_code": ("G1",), "place": ("1",), "ending": ("xlsx", "csv", "toml", "json"), "quarter": ("2025Q3", "2025Q2"),
    }  # fmt: skip


def _likely(name: str, value: Any, known: Mapping[str, tuple[str, ...]], chance: random.Random) -> Any:
    """Put known values in place of most made-up ones, so that requests get past the first check."""
    if isinstance(value, dict):
        return {key: _likely(key, one, known, chance) for key, one in value.items()}
    if isinstance(value, list):
        return [_likely(name, one, known, chance) for one in value]
    choices = known.get(name)
    if choices is None and isinstance(value, str):
        if name.endswith("_date") or name in {"as_of", "from", "to"}:
            choices = DAYS
        elif name.endswith("_cny"):
            choices = AMOUNTS
        elif name.endswith("_cny_per_t"):
            choices = PRICES
    return value if not choices or value is None or chance.random() < 0.15 else chance.choice(choices)


def _with_known_values(case: Case, known: Mapping[str, tuple[str, ...]], chance: random.Random) -> None:
    if isinstance(case.body, dict):
        made_up = _likely("", case.body, known, chance)
        taken = chance.sample(sorted(made_up), min(len(made_up), chance.randrange(3)))
        case.body = {**SOUND[case.operation.label], **{name: made_up[name] for name in taken}}
    case.path_parameters = _likely("", dict(case.path_parameters), known, chance)
    query = _likely("", dict(case.query), known, chance)
    sound = SOUND_QUERIES.get(case.operation.label)
    case.query = query if sound is None or chance.random() < 0.5 else {**query, **sound}


def test_no_operation_answers_what_it_does_not_describe(called: Called) -> None:
    """Half the requests name what exists, so that they reach the services and not the first check alone."""
    schema = schemathesis.openapi.from_asgi("/schema/openapi.json", called.app)
    faults: dict[str, str] = {}
    answers: dict[str, Counter[int]] = {}

    def attempt(case: Case, chance: random.Random) -> None:
        _made_likely(case, called, chance)
        _ask(case, called, answers, faults)

    def attempt_unless_answered(case: Case, chance: random.Random) -> None:
        _made_likely(case, called, chance)  # drawn in any case: a strategy gives the same each time it is asked
        if case.operation.label not in _answered_well(answers):
            _ask(case, called, answers, faults)

    operations = {operation.label: operation for operation in map(_sound, schema.get_all_operations())}
    for operation in operations.values():
        _explore(operation, attempt, EXAMPLES)
    assert len(operations) >= 30
    expected = {
        "system": set(answers) - BANK_DOES_NOT,
        "administrator": ADMINISTRATOR_DOES,
        "bureau": BUREAU_DOES,
    }[called.role]
    for label in sorted(expected - _answered_well(answers)):
        _explore(operations[label], attempt_unless_answered, EXAMPLES_MORE)
    assert not faults, "\n\n".join(f"{place}: {fault}" for place, fault in faults.items())
    assert _answered_well(answers) == expected


def _made_likely(case: Case, called: Called, chance: random.Random) -> None:
    if case.meta is not None and case.meta.generation.mode.is_positive:
        _with_known_values(case, called.known, chance)
        if case.operation.label in CHANGES_WHAT_STANDS and chance.random() < 0.8:
            case.headers["If-Match"] = "*"
        if "Idempotency-Key" in case.headers and chance.random() < 0.8:
            # each operation draws the same made-up keys, and a key another one has used answers 409
            own = uuid5(NAMESPACE_URL, f"{case.operation.label} {chance.random()}")
            case.headers["Idempotency-Key"] = str(own)


def _ask(case: Case, called: Called, answers: dict[str, Counter[int]], faults: dict[str, str]) -> None:
    """Call an operation once, and note its answer and what of it is not described."""
    case.headers["Authorization"] = f"Bearer {called.key}"
    response = case.call(timeout=ANSWER_SECONDS)
    answers.setdefault(case.operation.label, Counter())[response.status_code] += 1
    try:
        case.validate_response(response, checks=CHECKS)
    except FailureGroup as failure:
        place = f"{case.operation.label} {response.status_code} {json.dumps(case.body, default=str)[:500]}"
        faults.setdefault(place, "\n".join(map(str, failure.exceptions)))


def _sound(result: Any) -> APIOperation:
    operation: APIOperation = result.ok()
    return operation


def _explore(operation: APIOperation, attempt: Callable[[Case, random.Random], None], examples: int) -> None:
    """Call one operation with so many examples, the same each time."""
    run = given(case=operation.as_strategy(), chance=st.randoms(use_true_random=False))(attempt)
    example_settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )(run)()


def _answered_well(answers: Mapping[str, Counter[int]]) -> set[str]:
    return {label for label, counts in answers.items() if any(status < 300 for status in counts)}
