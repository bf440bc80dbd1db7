from datetime import datetime

import pytest

from rolltape.pages import words
from rolltape.pages.meter import meter_percent


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (12_345_678, "12.3 MB"),
        (2_700_000_000, "2.7 GB"),
        (5 * 10**15, "5000.0 TB"),
    ],
)
def test_a_size_is_read_as_on_a_disks_label(count: int, text: str) -> None:
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0:00"), (999, "0:00"), (7000, "0:07"), (754_000, "12:34"), (3_723_000, "1:02:03"), (-5, "0:00")],
)
def test_a_length_is_read_as_on_a_clock(milliseconds: int, text: str) -> None:
    assert words.clock(milliseconds) == text


def test_other_numbers() -> None:
    assert words.duration(12_340) == "PT12.3S"
    assert words.rate(95.6) == "96 kbit/s"
    assert words.rate(6012) == "6.0 Mbit/s"
    assert words.moment(datetime(2026, 11, 2, 9, 5)) == "2 Nov 2026, 09:05"


@pytest.mark.parametrize(
    ("peak", "percent"), [(0.0, 0), (0.0001, 0), (0.001, 0), (0.0316, 50), (1.0, 100), (2.0, 100)]
)
def test_the_meter_shows_decibels(peak: float, percent: int) -> None:
    assert meter_percent(peak) == percent
