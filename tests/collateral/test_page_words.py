"""Words of the collateral pages."""

from collateral.pages.words import unconfirmed_words


def test_unconfirmed_facts_and_figures_are_told_in_words() -> None:
    told = unconfirmed_words(("pricing.surrender_date[SZA-2024]", "headroom_after_SZA-2024", "emissions"))
    assert [one.zh for one in told] == ["清缴截止日（SZA-2024）", "质押后履约余量（SZA-2024）", "核查排放量"]
    assert told[1].en == "headroom after (SZA-2024)"
