from __future__ import annotations

from pytest_edgeperf.frameworks.mps import PIPES_VARIABLE, mps_active


def test_the_services_pipe_tells_whether_it_is_active(tmp_path, monkeypatch):
    monkeypatch.setenv(PIPES_VARIABLE, str(tmp_path))
    assert not mps_active()
    (tmp_path / "control").touch()
    assert mps_active()
