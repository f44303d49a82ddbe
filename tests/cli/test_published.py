from __future__ import annotations

import json

import pytest

from pytest_edgeperf.results import parse, read, write

from ..report.html_pages import Page
from .test_cli import run, run_with_stderr

HEADER = "benchmark,metric,value,unit,device,paper,table,row,framework,network,resolution"
LINE = "own::classifiers,infer,267.207,ms,{device},somebody-2020,3,Resnet18,onnxruntime,resnet18,224"
MEASURED = {
    "format": "edgeperf-results",
    "version": 1,
    "device": "host",
    "environments": {"e": {}},
    "benchmarks": {
        "test_a.py::test_resnet18[onnxruntime-fp32-224]": {
            "parameters": {"framework": "onnxruntime", "precision": "fp32", "resolution": 224},
            "metrics": {"infer": {"unit": "ms"}},
            "runs": [{"environment": "e", "started": "2026", "session": "s", "infer": 20.0}],
        }
    },
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(*devices, name="own.csv"):
    lines = [HEADER, *(LINE.format(device=device) for device in devices)]
    with open(name, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def test_a_file_for_each_device(folder):
    table("nano", "rpi4")
    outcome = run("baseline", "import", "--table", "own.csv")
    assert outcome.exit_code == 0, outcome.output
    assert outcome.output.splitlines() == [
        "baselines/published/nano.json: 1 figure of nano",
        "baselines/published/rpi4.json: 1 figure of rpi4",
    ]
    (benchmark,) = read("baselines/published/nano.json").benchmarks.values()
    assert benchmark.runs[0].values == {"infer": 267.207}
    assert benchmark.runs[0].source == {"paper": "somebody-2020", "table": "3", "row": "Resnet18"}


def test_one_device_into_a_file(folder):
    table("nano", "", "rpi4")
    outcome = run("baseline", "import", "--table", "own.csv", "--device", "rpi9", "--out", "x.json")
    assert outcome.exit_code == 0, outcome.output
    assert read("x.json").device == "rpi9"
    assert not (folder / "baselines").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--table", "own.csv", "--out", "x.json"], "the tables are of nano, rpi4: choose one with --device"),
        (["--table", "none.csv"], "none.csv: the table cannot be read (No such file or directory); check the path"),
        (["--table", "own.csv", "--device", "tx2"], "no row of the tables names the device tx2"),
    ],
)
def test_what_cannot_be_imported_is_one_sentence(folder, arguments, message):
    table("nano", "rpi4")
    outcome = run_with_stderr("baseline", "import", *arguments)
    assert outcome.exit_code == 4
    assert message in outcome.stderr
    assert not (folder / "baselines").exists()


def test_out_and_dir_are_one_too_many(folder):
    table("nano")
    assert run("baseline", "import", "--table", "own.csv", "--out", "x.json", "--dir", "y").exit_code == 2


def test_measured_runs_are_not_replaced_and_nothing_is_written(folder):
    table("host", "nano")
    write("baselines/published/host.json", parse(MEASURED))
    before = (folder / "baselines" / "published" / "host.json").read_bytes()
    outcome = run_with_stderr("baseline", "import", "--table", "own.csv")
    assert outcome.exit_code == 4
    assert "contains measured runs" in outcome.stderr
    assert (folder / "baselines" / "published" / "host.json").read_bytes() == before
    assert not (folder / "baselines" / "published" / "nano.json").exists()


def test_imported_figures_are_no_baseline(folder):
    table("nano")
    assert run("baseline", "import", "--table", "own.csv", "--dir", "baselines").exit_code == 0
    write("results.json", parse({**MEASURED, "device": "nano"}))
    for arguments in (
        ["baseline", "show", "nano"],
        ["baseline", "accept", "results.json", "--reason", "x"],
        ["baseline", "accept", "baselines/nano.json", "--reason", "x", "--dir", "other"],
        ["compare", "baselines/nano.json", "results.json"],
        ["noise", "--from", "baselines/nano.json"],
    ):
        outcome = run_with_stderr(*arguments)
        assert outcome.exit_code == 4, outcome.output
        assert "published figures (somebody-2020) are included" in " ".join(outcome.stderr.split())
    assert read("baselines/nano.json").benchmarks
    assert not (folder / "other").exists()


def test_figures_of_another_device_beside_a_results_file(folder):
    table("nano")
    run("baseline", "import", "--table", "own.csv")
    write("results.json", parse(MEASURED))
    outcome = run("baseline", "references", "results.json", "--device", "nano")
    assert outcome.exit_code == 0, outcome.output
    assert "published figures of nano" in outcome.output
    told = " ".join(outcome.output.split())
    assert "nano, somebody-2020 table 3, row Resnet18: precision fp32 here, not stated there" in told
    # Those that come with the package are there, too.
    assert "trinh-2023 table 4.3" in told
    markdown = run("baseline", "references", "results.json", "--device", "nano", "--format", "markdown").output
    assert "| infer, ms | 20.0 | 267.207 | 0.0748 | nano, somebody-2020 table 3, row Resnet18 |" in markdown


def test_no_figures_of_this_device(folder):
    write("results.json", parse(MEASURED))
    outcome = run("baseline", "references", "results.json")
    assert outcome.exit_code == 0
    assert "there are figures of agx-xavier, edgetpu, movidius-ncs, nano, pynq-z1, " in outcome.output


def test_a_results_file_that_cannot_be_used(folder):
    assert run_with_stderr("baseline", "references", "none.json").exit_code == 4
    (folder / "baselines" / "published").mkdir(parents=True)
    (folder / "baselines" / "published" / "host.json").write_text("{")
    write("results.json", parse(MEASURED))
    outcome = run_with_stderr("baseline", "references", "results.json")
    assert outcome.exit_code == 0
    assert "published figures are not shown: baselines/published/host.json: the JSON is broken" in outcome.stderr


def test_a_page_of_results_has_the_published_figures_of_their_device(folder):
    table("host", "nano")
    assert run("baseline", "import", "--table", "own.csv").exit_code == 0
    (folder / "now.json").write_text(json.dumps(MEASURED), encoding="utf-8")
    outcome = run_with_stderr("report", "now.json", "-o", "page.html")
    assert outcome.exit_code == 0, outcome.stderr
    (row,) = Page((folder / "page.html").read_text(encoding="utf-8")).blocks["data-published"]["rows"]
    assert (row["here"], row["published"], row["device"]) == ("20.0", "267.207", "host")
    assert row["source"] == "somebody-2020 table 3, row Resnet18"
    assert run("report", "now.json", "-o", "none.html", "--dir", "elsewhere").exit_code == 0
    assert "data-published" not in Page((folder / "none.html").read_text(encoding="utf-8")).blocks
    (folder / "baselines" / "published" / "host.json").write_text("{", encoding="utf-8")
    outcome = run_with_stderr("report", "now.json", "-o", "page.html")
    assert outcome.exit_code == 0
    assert "published figures are not shown: baselines/published/host.json" in outcome.stderr
