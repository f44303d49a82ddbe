from __future__ import annotations

import pytest

from .check import Findings, Verdict, answer

LOAD = "others used 1.90 processors on the average"


@pytest.mark.parametrize("load", [None, LOAD])
def test_what_is_wrong_is_wrong_beside_others_too(load):
    assert answer(Findings(6, ["letterbox in session 1"], found=1), load)[0] == 1
    assert answer(Findings(6, denied=["letterbox at 25 % (unchanged)"]), load)[0] == 1


@pytest.mark.parametrize("load", [None, LOAD])
def test_what_is_right_is_right(load):
    code, lines = answer(Findings(6, found=1), load)
    assert code == 0
    assert lines == [
        "false alarms: 0 in 6 verdicts: none",
        "found: 1; missed: none; excused (machine disturbed or noisy): 0",
    ]
    assert answer(Findings(6, found=1, missed=["letterbox at 10 % (inconclusive)"]), load)[0] == 0


@pytest.mark.parametrize(
    "findings", [Findings(0, accepted=False), Findings(6, unclear=["letterbox at 25 % (inconclusive)"])]
)
def test_what_could_not_be_shown_is_skipped_beside_others_and_fails_on_a_quiet_machine(findings):
    code, lines = answer(findings, LOAD)
    assert code == 0
    assert "skipped" in lines[-1]
    assert LOAD in lines[-1]
    assert answer(findings, None)[0] == 1
    assert "skipped" not in " ".join(answer(findings, None)[1])


def test_only_a_disturbed_machine_or_a_session_that_claims_little_excuses_a_verdict():
    assert Verdict("inconclusive", "machine disturbed: 0 of 9 candidate runs are undisturbed", "").excused
    assert not Verdict("inconclusive", "2 more runs would decide", "").excused
    assert not Verdict("inconclusive", "", "+20.0 %", finds=0.15).excused
    assert Verdict("inconclusive", "", "+20.0 %", finds=0.2).excused
    assert not Verdict("unchanged", "", "+20.0 %", finds=0.2).excused
    assert not Verdict("regressed", "machine disturbed", "").excused
