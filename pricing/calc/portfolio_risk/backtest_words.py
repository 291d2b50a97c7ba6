"""What a backtest says in words: what each test found, and whether it could have found anything."""

from carbonfin.kernel.units import to_decimal
from pricing.calc.portfolio_risk.backtesting import ModelBacktest
from pricing.calc.risk.backtests import CoverageTest, IndependenceTest, ShortfallTest

_HALF = 0.5
Words = tuple[str, str]


def verdicts(found: ModelBacktest) -> tuple[Words, ...]:
    """Give a sentence for each test of a model, in Chinese and English; none where it gives no backtest."""
    if found.coverage is None or found.independence is None or found.shortfall is None:
        return ()
    return (_coverage(found.coverage), _independence(found.independence), _shortfall(found.shortfall))


def _coverage(test: CoverageTest) -> Words:
    days, hits, promised, p = test.day_count, test.exception_count, f"{test.expected_count:.1f}", f"{test.p_value:.3f}"
    counts = (
        f"{days} 日中突破 {hits} 次，承诺 {promised} 次（p={p}）",
        f"{hits} exceptions in {days} days, {promised} promised (p={p})",
    )
    if test.is_rejected and hits > test.expected_count:
        return _join(counts, ("突破过多，风险价值偏低", "too many: the value at risk was too small"))
    if test.is_rejected:
        return _join(counts, ("突破过少，风险价值偏高", "too few: the value at risk was too large"))
    if not test.is_conclusive:
        return _join(counts, _weak(test.power, ("突破率翻倍", "exceptions twice as frequent")))
    return _join(counts, ("未发现不符", "nothing found against it"))


def _independence(test: IndependenceTest) -> Words:
    p = (f"p={test.p_value:.3f}", f"p={test.p_value:.3f}")
    if test.after_exception is None:
        return (
            "突破之后没有其他回测日，无法检验是否成簇",
            "no day after an exception: whether they cluster cannot be told",
        )
    if test.is_rejected:
        return _join((f"突破成簇出现（{p[0]}）", f"exceptions cluster ({p[1]})"), ("不独立", "not independent"))
    return (f"未发现突破成簇（{p[0]}）", f"no clustering found ({p[1]})")


def _shortfall(test: ShortfallTest) -> Words:
    found = (
        f"尾部损失 Z2={test.unconditional:.2f}，5% 临界值 {test.critical:.2f}",
        f"tail losses Z2={test.unconditional:.2f}, 5 % critical value {test.critical:.2f}",
    )
    if test.is_rejected:
        return _join(found, ("超出承诺的预期短缺", "larger than the shortfall promised"))
    if test.power < _HALF:
        return _join(found, _weak(test.power, ("损失大四分之一", "losses larger by a quarter")))
    return _join(found, ("未发现不符", "nothing found against it"))


def _weak(power: float, what: Words) -> Words:
    percent = to_decimal(100.0 * power, places=0)
    return (
        f"未能拒绝，但即使{what[0]}，检验也只有 {percent}% 的机会发现：样本不足以下结论",
        f"not rejected, yet {what[1]} would be found with a chance of {percent} % alone: too few days to conclude",
    )


def _join(one: Words, other: Words) -> Words:
    return f"{one[0]}：{other[0]}", f"{one[1]}: {other[1]}"
