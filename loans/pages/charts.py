"""Drawings of loan pages: how a rate is built, and what moved an enterprise's emissions."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from carbonfin.documents.charts import Bar, Chart, Words, bar_chart, group_chart, waterfall_chart
from carbonfin.documents.sheets import StepKind, WaterfallStep
from carbonfin.web.language import Language
from loans.calc.account_emissions import AccountEmissions
from loans.calc.ratings.carbon_efficiency import CarbonRating
from loans.calc.term_sheets import RateStep
from loans.service import AccountYearView, ScorecardView
from loans.workbooks import peers_chart, points_steps, rate_waterfall_steps

_SIDES = (Words(zh="申报", en="Reported"), Words(zh="抄表", en="Metered"), Words(zh="发票", en="Invoiced"))
_MONTHS = tuple(
    Words(zh=f"{number} 月", en=name)
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
)
_CARRIERS_SHOWN = 3
_OWN_TRACE = Words(zh="本系统计算，见追溯", en="computed here, see the trace")


def rate_chart(steps: tuple[RateStep, ...], language: Language) -> Chart:
    """Draw how the executed rate is built from LPR, margin, concession and floor."""
    return waterfall_chart(
        title=Words(zh="执行利率是怎样得出的", en="How the executed rate is built"),
        unit=Words(zh="%", en="%"),
        steps=rate_waterfall_steps(steps),
        source=Words(
            zh="LPR 公布值、本行降碳贷产品参数、外部碳评级报告",
            en="published LPR, the bank's product terms, outside rating report",
        ),
        language=language.value,
        titled=False,
    )


def change_chart(rating: CarbonRating, language: Language) -> Chart | None:
    """Draw what moved the emissions from the year before; None where there is no year before."""
    if rating.previous is None:
        return None
    before, now = rating.previous, rating.current
    steps = [
        _level(f"{before.year} 年", str(before.year), before.emissions_t),
        *(
            WaterfallStep(
                label_zh=change.label_zh,
                label_en=change.label_en,
                amount=change.change_t,
                text=f"{change.change_t:+,.2f}".replace("-", "−"),
                kind=StepKind.CHANGE,
            )
            for change in rating.changes
        ),
        _level(f"{now.year} 年", str(now.year), now.emissions_t),
    ]
    return waterfall_chart(
        title=Words(zh="什么改变了排放量", en="What moved the emissions"),
        unit=Words(zh="吨", en="t"),
        steps=steps,
        source=_OWN_TRACE,
        language=language.value,
        titled=False,
    )


def _level(label_zh: str, label_en: str, emissions_t: Decimal) -> WaterfallStep:
    return WaterfallStep(
        label_zh=label_zh, label_en=label_en, amount=emissions_t, text=f"{emissions_t:,}", kind=StepKind.LEVEL
    )


def emission_chart(years: Sequence[AccountYearView], language: Language, *, as_of: date) -> Chart | None:
    """Draw the emissions of each year by carrier, the earliest year first; None where no year has any."""
    found = [year.emissions for year in reversed(years) if year.emissions is not None]
    sums: dict[str, Decimal] = {}
    for part in (part for one in found for part in one.parts):
        sums[part.carrier] = sums.get(part.carrier, Decimal(0)) + part.emissions_t
    largest = sorted(sums, key=lambda carrier: -sums[carrier])[:_CARRIERS_SHOWN]
    bars = [bar for one in found for bar in _emission_bars(one, largest)]
    if not bars:
        return None
    return bar_chart(
        title=Words(zh="各年排放量", en="Emissions by year"),
        unit=Words(zh="吨", en="t"),
        bars=bars,
        source=Words(zh="企业碳账户明细，本系统计算", en="lines of the carbon account, computed here"),
        as_of=as_of,
        language=language.value,
    )


def _emission_bars(emissions: AccountEmissions, largest: Sequence[str]) -> list[Bar]:
    """Give a bar for each of the largest carriers, and one for the others together."""
    label = Words(zh=f"{emissions.year} 年", en=str(emissions.year))
    bars = [
        Bar(
            label=label, amount=part.emissions_t, text=f"{part.emissions_t:,}",
            series=Words(zh=part.label_zh, en=part.label_en),
        )
        for part in emissions.parts
        if part.carrier in largest
    ]  # fmt: skip
    others_t = sum((part.emissions_t for part in emissions.parts if part.carrier not in largest), Decimal(0))
    if others_t:
        bars.append(Bar(label=label, amount=others_t, text=f"{others_t:,}", series=Words(zh="其他", en="Others")))
    return bars


def power_chart(year: AccountYearView, language: Language, *, as_of: date) -> Chart | None:
    """Draw the electricity of a year by month as reported, metered and invoiced; None where no month has any."""
    months = [one for one in year.power if one.month]
    if not months:
        return None
    return group_chart(
        title=Words(
            zh=f"{year.facts.year} 年各月用电量：三方是否一致",
            en=f"Electricity by month of {year.facts.year}: do the sides agree",
        ),
        unit=Words(zh="千瓦时", en="kWh"),
        categories=_MONTHS,
        bars=[
            Bar(label=_MONTHS[one.month - 1], amount=Decimal(kwh), text=f"{kwh:,}", series=side)
            for one in months
            for side, kwh in zip(_SIDES, (one.reported_kwh, one.metered_kwh, one.invoice_kwh), strict=True)
            if kwh is not None
        ],
        source=Words(zh="企业碳账户明细", en="lines of the carbon account"),
        as_of=as_of,
        language=language.value,
    )  # fmt: skip


def standing_chart(view: ScorecardView | None, language: Language) -> Chart | None:
    """Draw where the enterprise stands among its peers; None where no group applies."""
    if view is None or view.standing is None:
        return None
    return peers_chart(view.inputs, view.outcome.rating, view.standing, language=language.value)


def points_chart(view: ScorecardView | None, language: Language) -> Chart | None:
    """Draw what each factor costs from full points to the result; None where there is no rating with points."""
    if view is None or view.outcome.rating.points is None:
        return None
    rating = view.outcome.rating
    return waterfall_chart(
        title=Words(zh="得分是怎样得出的", en="How the points are built"),
        unit=Words(zh="分", en="points"),
        steps=points_steps(rating),
        source=Words(zh=rating.method_zh, en=rating.method_en),
        language=language.value,
        less_is_better=False,
        titled=False,
    )
