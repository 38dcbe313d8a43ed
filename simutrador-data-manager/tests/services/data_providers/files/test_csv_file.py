from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from simutrador_core.errors import ImportFileError
from simutrador_core.models.bars import Bars, to_us
from simutrador_core.models.enums import Adjustment, Timeframe
from simutrador_data.services.data_providers.files import (
    DateOrder,
    FilePage,
    ImportOptions,
    Label,
    NotBarsError,
    open_bar_file,
)

HEADER = "date,open,high,low,close,volume\n"
DAYS = "2013-10-07,10,12,9,11,100\n2013-10-08,11,13,10,12,200\n2013-10-09,12,14,11,13,300\n"
AMERICAN = "10/7/2013,10,12,9,11,100\n10/8/2013,11,13,10,12,200\n10/9/2013,12,14,11,13,300\n"


def opens(bars: Bars) -> list[str]:
    return [str(at)[:16] for at in bars.opened_at.view("datetime64[us]")]


def kinds(page: FilePage) -> list[tuple[int, str]]:
    return [(row.line, row.kind) for row in page.rejected]


@pytest.mark.parametrize(
    "text",
    [
        HEADER + DAYS,
        "\ufeff" + HEADER + DAYS,
        (HEADER + DAYS).replace("\n", "\r\n"),
        (HEADER + DAYS).replace(",", ";"),
        (HEADER + DAYS).replace(",", "\t"),
        (HEADER + DAYS).replace(",", "|"),
        DAYS,
        "# exported by hand\nsymbol: AAPL\n" + HEADER + DAYS,
        HEADER + "".join(reversed(DAYS.splitlines(keepends=True))),
        HEADER + AMERICAN,
        HEADER.replace("date", '"Date"') + DAYS.replace("10,12,9", '"10","12","9"'),
        (HEADER + DAYS) + "\n\n",
        (HEADER + DAYS).rstrip("\n"),
    ],
)
def test_a_daily_file_is_read_however_it_is_laid_out(read: Any, text: str) -> None:
    page = read(text)
    (bars,) = page.bars
    assert bars.series.timeframe is Timeframe.DAILY
    assert bars.sessions is not None
    assert bars.sessions.tolist() == [date(2013, 10, 7), date(2013, 10, 8), date(2013, 10, 9)]
    assert opens(bars) == ["2013-10-07T13:30", "2013-10-08T13:30", "2013-10-09T13:30"]
    assert (bars.close.tolist(), bars.volume.tolist()) == ([11, 12, 13], [100, 200, 300])
    assert page.rejected == ()


def test_decimal_commas_are_found_beside_semicolons(read: Any) -> None:
    page = read("date;open;high;low;close;volume\n2013-10-07;10,5;12,25;9,5;11,0;1.000\n")
    assert page.bars[0].high.tolist() == [12.25]


def test_naive_minutes_are_new_york_time_for_a_us_share(write: Any, calendars: Any) -> None:
    rows = "".join(f"2020-12-15 09:{m},1,1,1,1,{900 - m}\n" for m in range(30, 60))
    file = open_bar_file(write(HEADER + rows, "SPY.csv"), calendars=calendars)
    assert file.description.value("zone") == "America/New_York"
    assert file.description.how("zone").startswith("assumed")
    assert opens(next(file.pages()).bars[0])[0] == "2020-12-15T14:30"


def test_the_zone_can_be_overruled_and_says_so(write: Any, calendars: Any) -> None:
    rows = "2020-12-15 14:30,1,1,1,1,9\n2020-12-15 14:31,1,1,1,1,9\n"
    path = write(HEADER + rows, "SPY.csv")
    file = open_bar_file(path, ImportOptions(zone="UTC"), calendars=calendars)
    assert (file.description.value("zone"), file.description.how("zone")) == ("UTC", "given")
    assert opens(next(file.pages()).bars[0])[0] == "2020-12-15T14:30"


def test_minutes_in_utc_are_known_by_where_the_volume_falls(write: Any, calendars: Any) -> None:
    rows = [f"2020-12-15 {h}:{m:02},1,1,1,1,500\n" for h in range(14, 21) for m in range(60)]
    file = open_bar_file(write(HEADER + "".join(rows[30:]), "SPY.csv"), calendars=calendars)
    assert file.description.value("zone") == "UTC"
    assert file.description.how("zone").startswith("data")


def test_a_header_that_says_gmt_settles_the_zone(write: Any, calendars: Any) -> None:
    rows = "01.01.2017 22:00:00.000,1,1,1,1,5\n01.01.2017 23:00:00.000,1,1,1,1,5\n"
    text = "Gmt time,Open,High,Low,Close,Volume\n" + rows
    file = open_bar_file(write(text, "EURUSD.csv"), calendars=calendars)
    assert (file.description.symbol, file.description.value("zone")) == ("EUR/USD", "UTC")
    assert opens(next(file.pages()).bars[0])[0] == "2017-01-01T22:00"


def test_times_that_label_the_close_are_moved_to_the_open(read: Any) -> None:
    times = [f"{9 + (30 + m) // 60:02}:{(30 + m) % 60:02}" for m in range(1, 391)]
    rows = "".join(f"2020-12-15 {t},1,1,1,1,5\n" for t in times)
    bars = read(HEADER + rows, "SPY.csv").bars[0]
    assert (opens(bars)[0], opens(bars)[-1]) == ("2020-12-15T14:30", "2020-12-15T20:59")
    kept = read(HEADER + rows, "SPY.csv", label=Label.OPEN).bars[0]
    assert opens(kept)[0] == "2020-12-15T14:31"


def test_date_and_time_of_day_in_two_columns(read: Any) -> None:
    text = "<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\n"
    rows = "20201215,093000,1,2,1,2,5\n20201215,093100,1,2,1,2,5\n"
    assert opens(read(text + rows, "SPY.csv").bars[0]) == ["2020-12-15T14:30", "2020-12-15T14:31"]


def test_unix_seconds_and_milliseconds(read: Any) -> None:
    seconds = "timestamp,open,high,low,close,volume\n1607959800,1,2,1,2,5\n1607959860,1,2,1,2,5\n"
    assert opens(read(seconds, "BTC-USD.csv").bars[0])[0] == "2020-12-14T15:30"
    ms = seconds.replace("1607959800", "1607959800000").replace("1607959860", "1607959860000")
    assert opens(read(ms, "BTC-USD.csv").bars[0])[0] == "2020-12-14T15:30"


def test_offsets_may_change_with_daylight_time_only(read: Any, write: Any, calendars: Any) -> None:
    head = "Datetime,Open,High,Low,Close,Volume\n"
    rows = "2022-03-11 00:00:00-05:00,1,2,1,2,5\n2022-03-14 00:00:00-04:00,1,2,1,2,5\n"
    page = read(head + rows, "EWG.csv")
    assert page.bars[0].sessions.tolist() == [date(2022, 3, 11), date(2022, 3, 14)]
    mixed = write(head + rows.replace("-04:00", "+09:00"), "EWG.csv")
    with pytest.raises(ImportFileError, match=r"mixed time zones: offsets -5 h, \+9 h"):
        open_bar_file(mixed, calendars=calendars)


def test_times_with_and_without_offset_in_one_file_are_refused(write: Any, calendars: Any) -> None:
    rows = "2022-03-11 10:00:00-05:00,1,2,1,2,5\n2022-03-11 10:01:00,1,2,1,2,5\n"
    with pytest.raises(ImportFileError, match=r"mixed time zones: line 2 .* line 3 has none"):
        open_bar_file(write(HEADER + rows), calendars=calendars)


def test_a_daily_row_written_as_an_instant_belongs_to_its_exchange_date(read: Any) -> None:
    rows = "2022-01-03T05:00:00Z,1,2,1,2,5\n2022-01-04T05:00:00Z,1,2,1,2,5\n"
    page = read(HEADER + rows, "EWG.csv")
    assert page.bars[0].sessions.tolist() == [date(2022, 1, 3), date(2022, 1, 4)]


def test_adjusted_close_gives_a_second_series(read: Any) -> None:
    text = "Date,Open,High,Low,Close,Adj Close,Volume\n2013-10-07,10,12,8,11,5.5,100\n"
    raw, total = read(text).bars
    assert (raw.adjustment, total.adjustment) == (Adjustment.RAW, Adjustment.TOTAL)
    assert (raw.open[0], raw.close[0]) == (10, 11)
    assert [total.open[0], total.high[0], total.low[0], total.close[0]] == [5, 6, 4, 5.5]
    assert total.volume[0] == 100


def test_adjusted_columns_are_taken_as_they_are(read: Any) -> None:
    text = (
        "Date,Open,High,Low,Close,Volume,Adj. Open,Adj. High,Adj. Low,Adj. Close,Adj. Volume\n"
        "2000-12-29,30.88,31.31,28.69,29.06,100,28.1,28.6,26.1,26.5,400\n"
    )
    _, total = read(text).bars
    assert [total.open[0], total.close[0], total.volume[0]] == [28.1, 26.5, 400]


def test_an_empty_adjusted_price_leaves_the_raw_bar(read: Any) -> None:
    head = "Date,Open,High,Low,Close,Volume,Adj Close\n"
    text = head + "2013-10-07,1,1,1,1,9,\n2013-10-08,1,1,1,1,9,1\n"
    page = read(text)
    assert ([len(bars) for bars in page.bars], page.unadjusted) == ([2, 1], 1)


def test_a_symbol_column_gives_a_series_each(read: Any) -> None:
    text = "Ticker,Date,Open,High,Low,Close,Volume\n" + "".join(
        f"{s},2013-10-0{d},1,2,1,2,{d}\n" for d in (7, 8) for s in ("AAPL", "msft", "BAD SYMBOL")
    )
    page = read(text, "export.csv")
    assert [(bars.symbol, len(bars)) for bars in page.bars] == [("AAPL", 2), ("MSFT", 2)]
    assert kinds(page) == [(4, "symbol"), (7, "symbol")]


def test_every_bad_row_is_named_with_line_and_reason_and_the_rest_is_read(read: Any) -> None:
    bad = [
        (",1,2,1,2,5", "no time"),
        ("yesterday,1,2,1,2,5", "unreadable time"),
        ("2013-10-09,-,2,1,2,5", "not a number"),
        ("2013-10-09,nan,2,1,2,5", "not a number"),
        ("2013-10-09,inf,inf,1,2,5", "infinite"),
        ("2013-10-09,0,2,0,2,5", "not positive"),
        ("2013-10-09,-1,2,-1,2,5", "not positive"),
        ("2013-10-09,1,2,1,2,-5", "negative volume"),
        ("2013-10-09,1,1e308,1,2,5", "too large"),
        ("2013-10-09,1,2,1,2,9223372036854775808", "too large"),
        ("2013-10-09,1.5,1,2,1.5,5", "high below low"),
        ("2013-10-09,3,2,1,2,5", "open outside"),
        ("2013-10-09,1,2,1,3,5", "close outside"),
        ("2013-10-09,1,2,1,2", "column count"),
        ("2013-10-09,1,2,1,2,5,6", "column count"),
        ('2013-10-09,"1,2,1,2,5', "open quote"),
        ("2013-10-12,1,2,1,2,5", "no session"),
        ("", "blank line"),
    ]
    text = HEADER + DAYS + "".join(f"{row}\n" for row, _ in bad) + "2013-10-10,1,2,1,2,5\n"
    page = read(text)
    assert kinds(page) == [(line, kind) for line, (_, kind) in enumerate(bad, start=5)]
    assert len(page.bars[0]) == 4
    assert page.rows == len(page.rejected) + 4
    assert all(row.reason for row in page.rejected)
    assert page.rejected[1].text == "yesterday,1,2,1,2,5"


def test_a_date_without_session_says_why(read: Any) -> None:
    page = read(HEADER + DAYS + "2012-10-29,1,2,1,2,5\n2013-10-12,1,2,1,2,5\n")
    assert "2012-10-29 is not a session of XNYS: " in page.rejected[0].reason
    assert "Sandy" in page.rejected[0].reason
    assert page.rejected[1].reason == "2013-10-12 is not a session of XNYS: Saturday"


def test_equal_repeats_are_counted_and_different_ones_listed(read: Any) -> None:
    text = HEADER + DAYS + "2013-10-08,11,13,10,12,200\n2013-10-08,11,13,10,12.5,200\n"
    page = read(text)
    assert page.duplicates == 1
    assert kinds(page) == [(6, "repeated time")]
    assert "line 3" in page.rejected[0].reason
    assert page.bars[0].close.tolist() == [11, 12, 13]


def test_minutes_off_the_grid_and_skipped_by_clocks_are_rejected(read: Any) -> None:
    rows = "".join(f"2011-03-11 10:{m:02},1,2,1,2,5\n" for m in range(5))
    page = read(HEADER + rows + "2011-03-11 10:07:30,1,2,1,2,5\n2011-03-13 02:30,1,2,1,2,5\n")
    assert kinds(page) == [(7, "off the grid"), (8, "no such time")]


def test_bars_that_have_not_ended_are_rejected(write: Any, calendars: Any) -> None:
    rows = "".join(f"2020-12-15 10:{m:02},1,2,1,2,5\n" for m in range(5))
    now = datetime(2020, 12, 15, 15, 3, 59, tzinfo=UTC)
    page = next(open_bar_file(write(HEADER + rows), calendars=calendars, now=now).pages())
    assert page.bars[0].opened_at[-1] == to_us(datetime(2020, 12, 15, 15, 2, tzinfo=UTC))
    assert kinds(page) == [(5, "not finished"), (6, "not finished")]


def test_todays_daily_row_is_rejected_until_the_close(write: Any, calendars: Any) -> None:
    path = write(HEADER + DAYS)
    open_, after = (datetime(2013, 10, 9, h, 0, tzinfo=UTC) for h in (19, 20))
    during = next(open_bar_file(path, calendars=calendars, now=open_).pages())
    assert kinds(during) == [(4, "not finished")]
    assert next(open_bar_file(path, calendars=calendars, now=after).pages()).rejected == ()


def test_a_week_belongs_to_its_first_session(read: Any) -> None:
    rows = "2013-08-26,1,2,1,2,5\n2013-09-02,1,2,1,2,5\n2013-09-09,1,2,1,2,5\n"
    bars = read(HEADER + rows).bars[0]
    assert bars.timeframe is Timeframe.WEEKLY
    assert bars.sessions.tolist() == [date(2013, 8, 26), date(2013, 9, 3), date(2013, 9, 9)]


def test_the_order_of_day_and_month_is_found_or_told(read: Any) -> None:
    clear = read(HEADER + "13/01/2017,1,2,1,2,5\n17/01/2017,1,2,1,2,5\n")
    assert clear.bars[0].sessions.tolist() == [date(2017, 1, 13), date(2017, 1, 17)]
    rows = HEADER + "03/04/2017,1,2,1,2,5\n04/04/2017,1,2,1,2,5\n05/04/2017,1,2,1,2,5\n"
    told = read(rows, date_order=DateOrder.DAY_FIRST)
    assert told.bars[0].sessions.tolist()[0] == date(2017, 4, 3)


def test_a_file_without_volume_is_refused_with_the_way_out(write: Any, calendars: Any) -> None:
    path = write("date,open,high,low,close\n2013-10-07,1,2,1,2\n")
    with pytest.raises(ImportFileError, match=r"column volume is missing.*volume=none"):
        open_bar_file(path, calendars=calendars)
    accepted = ImportOptions(columns={"volume": "none"})
    page = next(open_bar_file(path, accepted, calendars=calendars).pages())
    assert page.bars[0].volume.tolist() == [0.0]


def test_columns_can_be_named(read: Any) -> None:
    text = "Tag;Eröffnung;Hoch;Tief;Schluss;Stück\n2013-10-07;1;3;1;2;5\n"
    columns = {"time": "Tag", "open": "2", "high": "3", "low": "4", "close": "5", "volume": "6"}
    assert read(text, columns=columns).bars[0].high.tolist() == [3.0]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"colour": "1"}, "'colour' is no column role; use one of time, clock, open"),
        ({"open": "Nothing"}, "there is no column 'Nothing'; there are date, open"),
        ({"open": "7"}, "there is no column '7'"),
    ],
)
def test_a_wrong_column_name_is_refused(
    write: Any, calendars: Any, columns: dict[str, str], message: str
) -> None:
    with pytest.raises(ImportFileError, match=message):
        open_bar_file(write(HEADER + DAYS), ImportOptions(columns=columns), calendars=calendars)


def test_a_file_without_header_in_another_order_is_refused(write: Any, calendars: Any) -> None:
    rows = "2013-10-07,11,12,9,10,100\n".replace("12,9", "9,12") * 3
    with pytest.raises(ImportFileError, match="the high is not the highest"):
        open_bar_file(write(rows), calendars=calendars)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("1315922016,5.8,1.0\n1315922024,5.83,3.0\n", NotBarsError, "looks like trades"),
        ("hello world\nthis is prose\n", NotBarsError, "does not look like bars"),
        (HEADER, ImportFileError, "a header but no row"),
        ('{"date": 1}', NotBarsError, "is JSON"),
        ("<html><body>404</body></html>", NotBarsError, "web page"),
        ("\n\n \n", ImportFileError, "nothing but blank lines"),
    ],
)
def test_what_is_no_table_of_bars_is_refused_by_name(
    write: Any, calendars: Any, text: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        open_bar_file(write(text), calendars=calendars)


def test_a_name_without_symbol_asks_for_one(write: Any, calendars: Any) -> None:
    with pytest.raises(ImportFileError, match="give --symbol"):
        open_bar_file(write(HEADER + DAYS, "prices.csv"), calendars=calendars)


def test_pages_of_small_blocks_equal_one_page(write: Any, calendars: Any) -> None:
    from simutrador_data.services.data_providers.files.csv_file import open_csv
    from simutrador_data.services.data_providers.files.source import open_source

    rows = "".join(f"2020-12-15 10:{m:02},1,2,1,2,{m}\n" for m in range(60))
    source = open_source(write(HEADER + rows + "junk\n"))
    whole = open_csv(source, ImportOptions(), calendars)
    parts = open_csv(source, ImportOptions(), calendars, block_bytes=512)
    (one,), many = list(whole.pages()), list(parts.pages())
    assert len(many) > 3
    assert sum(len(page.bars[0]) for page in many if page.bars) == len(one.bars[0]) == 60
    assert [row.line for page in many for row in page.rejected] == [62]
    assert [v for page in many for v in page.bars[0].volume] == one.bars[0].volume.tolist()


def test_a_file_without_header_and_volume_is_accepted_when_told(read: Any) -> None:
    page = read("2013-10-07,10,12,9,11\n2013-10-08,11,13,10,12\n", columns={"volume": "none"})
    assert page.bars[0].volume.tolist() == [0.0, 0.0]


def test_symbols_may_alternate_from_row_to_row(read: Any) -> None:
    days = DAYS.splitlines()
    text = "ticker," + HEADER + "".join(f"{s},{day}\n" for day in days for s in ("MSFT", "AAPL"))
    page = read(text, "export.csv")
    assert [(b.symbol, b.close.tolist()) for b in page.bars] == [
        ("MSFT", [11, 12, 13]),
        ("AAPL", [11, 12, 13]),
    ]
