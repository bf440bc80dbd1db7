"""In which browsers a fault is provoked: Firefox has a few of them in every run, and all in the long form."""

from __future__ import annotations

import os

import pytest

IS_LONG = os.environ.get("FAULTS") == "all"
in_the_long_form = pytest.mark.skipif(not IS_LONG, reason="in the long form only: make faults")

in_both = pytest.mark.parametrize("browser", ["Chromium", pytest.param("Firefox", marks=in_the_long_form)])
in_both_always = pytest.mark.parametrize("browser", ["Chromium", "Firefox"])
in_firefox = pytest.mark.parametrize("browser", [pytest.param("Firefox", marks=in_the_long_form)])
