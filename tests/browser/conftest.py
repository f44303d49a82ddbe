from __future__ import annotations

import pytest

from .chromium import Chromium, lacking


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    reason = lacking()
    if reason is not None:
        pytest.skip(reason)
    browser = Chromium(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()
