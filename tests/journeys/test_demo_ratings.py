"""The room of accounts and ratings in the sample world: one rating by hand, each letter met, filled once."""

from decimal import Decimal
from io import BytesIO
from pathlib import Path

from pypdf import PdfReader

from carbonfin.app.demo.ratings import fill_rating_room, sample_ratings
from carbonfin.app.demo.world import sample_world
from carbonfin.storage.parties import parties_of, standing_of
from loans import service
from tests.journeys.worlds import CLOCK, DATABASE_FILE, SampleCopy, contents_of, opened


def test_the_room_is_filled_once_and_reads_as_by_hand(sample: SampleCopy, tmp_path: Path) -> None:
    copy = sample.copied(tmp_path / "room")
    url = f"sqlite:///{copy.folder / DATABASE_FILE}"
    maker, borrower = copy.outcome.maker, copy.outcome.parties["E4"]
    with opened(url) as sessions:
        fill_rating_room(sessions, maker, borrower, clock=CLOCK)
    once = contents_of(url)
    with opened(url) as sessions:
        fill_rating_room(sessions, maker, borrower, clock=CLOCK)
        with sessions.within(maker).read() as session:
            parties = {party.code: party for party in parties_of(session, maker)}
            rated = {
                one.code: service.scorecard_ratings_of(session, maker, parties[one.usci].id)
                for one in sample_ratings().enterprise
            }
            own = service.scorecard_ratings_of(session, maker, borrower.id)
            report = service.rating_report_file(
                session, maker, borrower.id, verified_at="", standing=standing_of(session, maker.organization_id, CLOCK)
            )
            objections = service.objections_of(session, maker, parties["91440300EXAMPLE70N"].id)
    assert contents_of(url) == once, "a second run changes nothing"
    # 3,600 MWh x 0.4403 + 12 x 21.6502 = 1,844.88 t over 6,150 万元: 0.3000. Of forty makers at 0.10, 0.12 … 0.88, 29
    # emit more and one as much: 40 x 29.5/40. Cut 0.1249 of 2,108.33 t on value added x 1.025: 25 x (75 + 25 x 0.749) %.
    # 4.50 + 3 + 3 + 3 of the data, green 0.2: 4.67, target half of 6, management 4.
    parts = ["29.50", "23.43", "4.50", "3", "3", "3", "4.67", "3", "4"]
    assert [(one.year, one.points, one.letter) for one in own][:1] == [(2024, sum(map(Decimal, parts)), "B")]
    letters = {one[0].letter for one in rated.values()}
    assert letters == set("ACDE"), "the heat map shows every letter beside the borrower's B"
    assert all([one.year for one in two] == [2024, 2023] for two in (own, *rated.values()))
    assert [one.objection.answer for one in objections] == [None]
    first_page = PdfReader(BytesIO(report)).pages[0].extract_text()
    assert "影响最大的三项" in first_page, "the reasons stand beside the letter, not behind the chart"


def test_no_sample_enterprise_has_the_code_of_another_party() -> None:
    world = sample_world()
    codes = [
        one.usci for one in (*world.enterprise, *sample_ratings().enterprise, world.bank, world.bureau) if one.usci
    ]
    assert len(codes) == len(set(codes))
