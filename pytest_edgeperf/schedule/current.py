"""The measuring session of a pytest session, and what others may read of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

import pytest

if TYPE_CHECKING:
    from pytest_edgeperf.results.types import Results
    from pytest_edgeperf.schedule.session import MeasuringSession

#: Where the plugin keeps it.
SESSION: pytest.StashKey[MeasuringSession] = pytest.StashKey()


def session_results(config: pytest.Config) -> Optional[Results]:
    """What this session has measured, for a ``conftest.py`` that reads it in ``pytest_terminal_summary``, say.

    ``None`` in a session that measures nothing, in one with ``--edgeperf-in-process``, and in a worker.
    """
    measuring = config.stash.get(SESSION, None)
    return None if measuring is None else measuring.coordinator.measured()
