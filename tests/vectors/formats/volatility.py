"""Volatility of one thin, limited history by every estimator."""

from collections.abc import Iterable

import numpy as np

from pricing.calc.volatility import PriceHistory, estimated_volatility
from pricing.calc.volatility_estimators import Estimator
from tests.vectors.comparison import CaseResult, Comparison, Tolerance, only_keys, run_case
from tests.vectors.files import VectorFile

_EXACT = Tolerance(value=1e-12, is_absolute=False, source="README")
_TOBIT = Tolerance(value=1e-4, is_absolute=False, source="README: a bounded search")
_NAMES = {
    "close-close, all days": Estimator.CLOSE_TO_CLOSE,
    "close-close, drop no-trade days": Estimator.TRADED_CLOSES,
    "renewal RV, trade days (sum r2/sum dt)": Estimator.RENEWAL_WITH_LIMITS,
    "renewal RV, trade days off the limit": Estimator.RENEWAL,
    "renewal RV off limit + lag-1 autocov (bounce-corrected)": Estimator.RENEWAL_BOUNCE,
    "Parkinson (traded days)": Estimator.PARKINSON,
    "EWMA 0.94": Estimator.EWMA,
    "Tobit MLE per day": Estimator.TOBIT,
}


def recognises(file: VectorFile) -> bool:
    return file.has("close", "high", "low", "traded", "at_limit", "expected")


def run(file: VectorFile) -> Iterable[CaseResult]:
    columns = {name: file.content[name] for name in ("close", "high", "low")}
    close, high, low = (
        np.array([np.nan if value is None else value for value in column]) for column in columns.values()
    )
    history = PriceHistory(
        close_per_t=close,
        high_per_t=high,
        low_per_t=low,
        traded=np.array(file.content["traded"], dtype=bool),
        at_limit=np.array(file.content["at_limit"], dtype=bool),
    )
    for name, expected in file.content["expected"].items():
        tolerance = _TOBIT if name.startswith("Tobit") else _EXACT
        yield run_case(
            name, tolerance, lambda check, name=name, expected=expected: _case(check, history, name, expected)
        )


def _case(check: Comparison, history: PriceHistory, name: str, expected: float) -> None:
    only_keys({name: expected}, *_NAMES)
    check.number(name, expected, estimated_volatility(history, _NAMES[name]).volatility)
