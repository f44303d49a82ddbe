"""The session's exit code, from what its parts left behind: fakes in milliseconds."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_edgeperf import plugin
from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison
from pytest_edgeperf.plugin.state import SESSION, SETTINGS
from pytest_edgeperf.settings import Settings


def exit_code(
    verdict="unchanged", *, status=pytest.ExitCode.OK, errors=(), gates=False, compared=True, failing=(), **settings
):
    measuring = SimpleNamespace(
        coordinator=SimpleNamespace(errors=list(errors)),
        comparison=Comparison({"a": BenchmarkVerdict(verdict)}) if compared else None,
        settings=Settings(github="off", **settings),
        unmeasured=SimpleNamespace(gates=gates),
        outputs=SimpleNamespace(failing=failing),
    )
    stash = pytest.Stash()
    stash[SESSION], stash[SETTINGS] = measuring, measuring.settings
    config = SimpleNamespace(stash=stash, option=SimpleNamespace(xmlpath=None))
    session = SimpleNamespace(config=config, exitstatus=status)
    plugin.pytest_sessionfinish(session, status)
    return int(session.exitstatus)


@pytest.mark.parametrize(
    ("code", "given"),
    [
        (0, {}),
        (0, {"verdict": "new"}),
        (11, {"verdict": "new", "unbaselined": "fail"}),
        (11, {"verdict": "missing", "unbaselined": "fail"}),
        (0, {"unbaselined": "fail"}),
        (0, {"gates": True}),
        (11, {"gates": True, "unbaselined": "fail"}),
        (0, {"gates": True, "unbaselined": "fail", "baseline": "refresh"}),
        (10, {"verdict": "inconclusive", "inconclusive": "fail"}),
        (10, {"verdict": "inconclusive", "inconclusive": "fail", "gates": True, "unbaselined": "fail"}),
        (3, {"errors": ["the comparison failed"], "compared": False}),
        (3, {"errors": ["the report failed"], "baseline": "off"}),
        (1, {"failing": ["a"], "baseline": "refresh"}),
        (1, {"errors": ["the report failed"], "status": pytest.ExitCode.TESTS_FAILED}),
        (1, {"verdict": "new", "unbaselined": "fail", "status": pytest.ExitCode.TESTS_FAILED}),
        (2, {"errors": ["the report failed"], "status": pytest.ExitCode.INTERRUPTED}),
    ],
)
def test_exit_codes(code, given):
    assert exit_code(**given) == code
