from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_edgeperf.results import Results, ResultsError, parse, read, to_json
from pytest_edgeperf.results.decoding import decode
from pytest_edgeperf.results.gate import Gate
from pytest_edgeperf.results.misspellings import misspelt

ID = "test_a.py::test_b[416]"


@pytest.fixture
def file(tmp_path):
    def make(content):
        path = tmp_path / "nano.json"
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return make


def refused(path):
    with pytest.raises(ResultsError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message[len(str(path)) + 2 :]


def test_a_document_becomes_plain_values(document):
    results = parse(document)
    assert (results.device, list(results.environments)) == ("nano", ["8c1f0e2a"])
    benchmark = results.benchmarks[ID]
    assert benchmark.parameters == {"resolution": 416}
    assert benchmark.metrics["latency"].unit == "ms"
    run = benchmark.runs[0]
    assert (run.environment, run.boot, run.commit, run.reason) == (
        "8c1f0e2a",
        "b1946ac9",
        "1a2b3c4",
        "first baseline",
    )
    assert run.values["latency"]["p50"] == 12.2
    assert run.values["memory_process_peak"] == 412.5
    assert run.quality["cpu_share"] == 0.99
    assert not run.disturbed
    assert not run.extra


def test_results_are_passed_through(document):
    results = parse(document)
    assert parse(results) is results


def test_only_what_is_needed_must_be_there():
    run = {"environment": "e", "started": "", "session": "", "x": {"n": 1}}
    benchmark = {"metrics": {"x": {"unit": "ms"}}, "runs": [run]}
    document = {"format": "edgeperf-results", "version": 1, "device": "d"}
    results = parse({**document, "environments": {"e": {}}, "benchmarks": {"b": benchmark}})
    assert results.benchmarks["b"].runs[0].boot is None
    assert results.benchmarks["b"].metrics["x"].better == "lower"


def test_unknown_fields_are_kept_everywhere(document, only, file):
    document["later"] = {"a": [1, None, "x"]}
    document["environments"]["8c1f0e2a"]["weather"] = {"humidity": 0.123456789}
    line = {"series": "a", "metric": "latency", "slope": 1, "intercept": 2, "unit": "ms", "source": "us", "later": 3}
    study = {"x": "size", "x_unit": "px", "metrics": ["latency"], "references": [line], "later": [1]}
    document["studies"] = {"s": study}
    document["gate"] = {**Gate().to_dict(), "later": {"a": 1}}
    pair = {"log_ratio": 0.1, "later": 4}
    document["against"] = {"label": "main", "commit": None, "benchmarks": {ID: [pair]}, "later": "x"}
    only["study"] = {"name": "s", "series": "a", "x": 1.0, "later": "x"}
    only["note"] = "ours"
    only["anchor"] = [only["runs"][0]]
    only["metrics"]["latency"]["title"] = "Latency"
    run = only["runs"][0]
    run["undeclared"] = {"n": 3, "p50": 1.5}
    run["epoch_s"] = 1763700000.125
    run["quality"]["new"] = True
    run["latency"]["histogram"] = {"bins": [1, 2]}
    run["latency"]["block_sd"]["kind"] = "log"
    text = to_json(read(file(json.dumps(document))))
    assert json.loads(text) == document


@pytest.mark.parametrize(
    ("spoil", "place", "problem"),
    [
        (lambda d, b: b["runs"][2]["latency"].update(p50="12.2"), "runs[2].latency.p50", "'12.2'"),
        (lambda d, b: b["runs"][2]["latency"].update(p50=float("nan")), "runs[2].latency.p50", "nan"),
        (lambda d, b: b["runs"][1].update(latency="fast"), "runs[1].latency", "'fast'"),
        (lambda d, b: b["runs"][1].update(latency=True), "runs[1].latency", "True"),
        (lambda d, b: b["runs"][1].update(latency=None), "runs[1].latency", "None"),
        (lambda d, b: b["runs"][1].update(latency=float("inf")), "runs[1].latency", "inf"),
        (lambda d, b: b["runs"][0]["latency"].update(n=0), "runs[0].latency.n", "minimum"),
        (lambda d, b: b["runs"][0]["latency"].update(n=1.5), "runs[0].latency.n", "integer"),
        (lambda d, b: b["runs"][0]["latency"].pop("n"), "runs[0].latency", "'n' is a required"),
        (lambda d, b: b["runs"][0]["latency"]["block_sd"].update(min="x"), "runs[0].latency.block_sd.min", "'x'"),
        (lambda d, b: b["runs"][0]["latency"].update(block_sd=[1]), "runs[0].latency.block_sd", "[1]"),
        (lambda d, b: b["runs"][0]["latency"].update(min=0), "runs[0].latency.min", "0 instead of a latency"),
        (lambda d, b: b["runs"][0]["latency"].update(p50=-1.0), "runs[0].latency.p50", "-1.0 instead of a latency"),
        (lambda d, b: b["runs"][0]["latency"].update(p05=5e-324), "runs[0].latency.p05", "instead of a latency"),
        (lambda d, b: b["runs"][0].update(latency=0.0), "runs[0].latency", "0.0 instead of a latency"),
        (
            lambda d, b: b["runs"][0]["latency"].update(p50=1e308),
            "runs[0].latency.p50",
            "1e+308 is not a plausible measurement",
        ),
        (lambda d, b: b["runs"][0].update(memory_process_peak=-1e300), "runs[0].memory_process_peak", "minimum"),
        (lambda d, b: b["runs"][0]["latency"]["block_sd"].update(p50=-1), "runs[0].latency.block_sd.p50", "minimum"),
        (
            lambda d, b: b["runs"][0]["latency"]["block_sd"].update(p50=1e308),
            "runs[0].latency.block_sd.p50",
            "1e+308 is not a plausible measurement",
        ),
        (lambda d, b: b.update(anchor=[{**b["runs"][0], "latency": -1}]), "anchor[0].latency", "-1 instead of a"),
        (lambda d, b: b["runs"][0]["quality"].update(canary_ms=["x"]), "runs[0].quality.canary_ms", "list of numbers"),
        (lambda d, b: b["runs"][0]["quality"].update(canary_ms=0.1), "runs[0].quality.canary_ms", "list of numbers"),
        (lambda d, b: b["runs"][0]["quality"].update(others_share="0.1"), "runs[0].quality.others_share", "a string"),
        (
            lambda d, b: b["runs"][0]["quality"].update(share_resolution=None),
            "runs[0].quality.share_resolution",
            "null",
        ),
        (lambda d, b: b["runs"][0]["quality"].update(swapped_pages=True), "runs[0].quality.swapped_pages", "boolean"),
        (lambda d, b: b.update(study="s"), "study", "a string instead of an object"),
        (lambda d, b: b.update(study={"name": "s", "series": "a", "x": "far"}), "study", "not a place in a study"),
        (lambda d, b: b.update(study={"name": "s", "series": "a", "x": 1e999}), "study.x", "inf"),
        (lambda d, b: b["runs"][0].update(environment="gone"), "runs[0].environment", "'gone' is not among"),
        (lambda d, b: b["runs"][0].pop("session"), "runs[0]", "'session' is a required"),
        (lambda d, b: b["runs"][0].update(boot=None), "runs[0].boot", "None"),
        (lambda d, b: b["runs"][0].update(quality=None), "runs[0].quality", "None"),
        (lambda d, b: b["runs"][0]["quality"].update(disturbed="no"), "runs[0].quality.disturbed", "'no'"),
        (lambda d, b: b["runs"][0]["quality"].update(a=[1, float("inf")]), "runs[0].quality.a[1]", "inf"),
        (lambda d, b: b["runs"].__setitem__(1, 7), "runs[1]", "7"),
        (lambda d, b: b.pop("runs"), "", "'runs' is a required"),
        (lambda d, b: b.update(runs={}), "runs", "instead of a list"),
        (lambda d, b: b.update(anchor=[{}]), "anchor[0]", "required"),
        (lambda d, b: b.update(parameters=[]), "parameters", "list"),
        (lambda d, b: b["metrics"].update(latency={"unit": 3}), "metrics.latency.unit", "3"),
        (lambda d, b: b["metrics"]["latency"].update(better="smaller"), "metrics.latency.better", "'smaller'"),
        (lambda d, b: b["metrics"].update(reason={"unit": "s"}), "metrics.reason", "reserved"),
        (lambda d, b: b["metrics"]["latency"].update(margin=-1), "metrics.latency.margin", "at least 0"),
        (lambda d, b: b["metrics"]["latency"].update(informs=1), "metrics.latency.informs", "true or false"),
        (lambda d, b: b["metrics"]["latency"].update(threshold="most"), "metrics.latency.threshold", "number or 'all'"),
    ],
)
def test_hand_edited_nonsense_is_named_with_its_place(document, only, file, spoil, place, problem):
    spoil(document, only)
    message = refused(file(json.dumps(document)))
    where = f'benchmarks."{ID}"' + (f".{place}" if place else "")
    assert message.startswith(where + ": ")
    assert problem in message
    assert "restore it from version control, or move it away and measure again" in message


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda d: d.pop("benchmarks"), "'benchmarks' is missing"),
        (lambda d: d.update(device=""), "device: not the name of a device"),
        (lambda d: d.update(environments=[]), "environments: a list instead of an object"),
        (lambda d: d["environments"].update(e={"note": "x"}), "environments.e.note: a string instead of an object"),
        (lambda d: d.update(studies="x"), "studies: a string instead of an object"),
        (lambda d: d.update(studies=[1]), "studies: a list instead of an object"),
        (lambda d: d.update(studies={"s": 1}), "studies.s: a number instead of an object"),
        (lambda d: d.update(studies={"s": {"x": "n"}}), "studies.s: not a study: 'x_unit' is missing"),
        (lambda d: d.update(gate={"rounds": 0}), "gate.rounds: 0 instead of a whole number"),
        (lambda d: d.update(allowed_differences="x"), "allowed_differences: not a list of names"),
        (lambda d: d.update(against=1), "against: a number instead of an object"),
        (
            lambda d: d.update(explanations={"a": {"tables": [{"parts": "operators", "rows": [{"label": 1}]}]}}),
            "explanations.a.tables[0].rows[0].label: a number instead of a text",
        ),
        (lambda d: d.update(against={"commit": "x"}), "against: label and commit are needed"),
        (
            lambda d: d.update(against={"label": "x", "benchmarks": {"a": 1}}),
            "against.benchmarks.a: a number instead of a list",
        ),
        (
            lambda d: d.update(against={"label": "x", "benchmarks": {"a": [1]}}),
            "against.benchmarks.a[0]: a number instead of a pair",
        ),
        (lambda d: d.update(later=float("-inf")), "later: -inf instead of a finite number"),
        (lambda d: d.update(version=2), "written by a newer pytest-edgeperf; upgrade"),
        (lambda d: d.update(version=True), "version is a boolean"),
        (lambda d: d.update(version=0), "version is a number other than 1"),
        (lambda d: d.pop("version"), "version is missing"),
        (lambda d: d.pop("format"), "not a results file of pytest-edgeperf"),
    ],
)
def test_nonsense_at_the_top_is_named(document, file, spoil, words):
    spoil(document)
    assert words in refused(file(json.dumps(document)))


@pytest.mark.parametrize(
    ("spoil", "place", "right"),
    [
        (lambda d, b: d.update(gaet={}), "gaet", "gate"),
        (lambda d, b: d.update(study={}), None, None),
        (lambda d, b: d.update(gate={"tolerence": 0.5}), "gate.tolerence", "tolerance"),
        (lambda d, b: d.update(against={"label": "x", "comit": "1a"}), "against.comit", "commit"),
        (lambda d, b: b.update(ancor=[]), "ancor", "anchor"),
        (lambda d, b: b["metrics"]["latency"].update(margni=0.5), "metrics.latency.margni", "margin"),
        (lambda d, b: b["metrics"]["latency"].update(inform=True), "metrics.latency.inform", "informs"),
        (lambda d, b: b["metrics"]["memory_process_peak"].update(bettter="higher"), "bettter", None),
        (lambda d, b: b["metrics"].update(latnecy=b["metrics"].pop("latency")), "runs[0].latency", "latnecy"),
        (lambda d, b: b["runs"][1].update(latenzy=b["runs"][1].pop("latency")), "runs[1].latenzy", "latency"),
        (lambda d, b: b["runs"][1].update(qualitty=b["runs"][1].pop("quality")), "runs[1].qualitty", "quality"),
        (lambda d, b: b["runs"][0].update(quality={"disturbd": True}), "runs[0].quality.disturbd", "disturbed"),
        (lambda d, b: b["runs"][0].update(later_latency=1, quality_=2), None, None),
    ],
)
def test_a_misspelt_field_is_refused_where_the_right_one_is_absent(document, only, file, spoil, place, right):
    spoil(document, only)
    path = file(json.dumps(document))
    if right is None:
        read(path)
        return
    message = refused(path)
    assert f"{place}: " in message
    assert f"did you mean {right}?" in message


@pytest.mark.parametrize("field", ["ratois", "peices", "rankng"])
def test_a_misspelt_field_of_a_study_or_of_its_lines_is_refused(document, file, field):
    document["studies"] = {"s": {"x": "size", "x_unit": "px", "metrics": [], field: 1}}
    assert f"studies.s: not a study: {field}: there is no such field; did you mean " in refused(
        file(json.dumps(document))
    )
    line = {"series": "a", "metric": "latency", "slope": 1, "intercept": 2, "unit": "ms", "source": "us", "x_form": 3}
    document["studies"]["s"] = {"x": "size", "x_unit": "px", "metrics": [], "references": [line]}
    assert "x_form: there is no such field; did you mean x_from?" in refused(file(json.dumps(document)))


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("latency", None),
        ("latenc", "latency"),
        ("latencyy", "latency"),
        ("laetncy", "latency"),
        ("lztency", "latency"),
        ("llatencyy", None),
        ("latency_p98", None),
        ("latency_p9", None),
        ("latency_p_9", None),
        ("slpoe", "slope"),
        ("sole", None),
    ],
)
def test_one_slip_of_the_fingers_and_no_other_name(name, right):
    assert misspelt(name, ["latency", "latency_p99", "slope", "row"]) == right


def test_a_newer_version_is_told_before_its_unknown_structure(file):
    text = '{"format": "edgeperf-results", "version": 2, "tables": []}'
    assert "newer pytest-edgeperf; upgrade" in refused(file(text))


def test_a_file_of_pytest_benchmark_is_recognised(file):
    text = '{"machine_info": {}, "commit_info": {}, "benchmarks": [], "datetime": "", "version": "5.1.0"}'
    assert "a file of pytest-benchmark" in refused(file(text))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"\xff\xfe{", "byte 0 is not UTF-8"),
        (b'{\n "format": ', "broken at line 2 column 12"),
        (b'{\n<<<<<<< HEAD\n"a": 1\n=======\n', "unresolved merge conflict"),
        (b"[1]", "this is a list, not a results file"),
        (b"null", "this is null"),
        pytest.param(b"[" * 100_000, "nested too deeply", id="deep"),
        (b'{"a": ' + b"9" * 5000 + b"}", "; "),
    ],
)
def test_files_that_are_no_json_of_ours(file, content, words):
    assert words in refused(file(content))


def test_a_missing_file_and_a_folder(tmp_path):
    assert "there is no such file" in refused(tmp_path / "none.json")
    assert "this is a folder, not a results file" in refused(tmp_path)
    with pytest.raises(ResultsError, match="null"):
        read("a\0b")


def test_a_dangling_link_is_named_with_where_it_points(tmp_path):
    link = tmp_path / "nano.json"
    link.symlink_to("gone.json")
    assert "the link points to gone.json, which does not exist; make that file, or remove the link" in refused(link)


@pytest.mark.parametrize("space", ["", " ", "\n  "])
def test_a_benchmark_given_twice_is_an_error_with_its_lines_and_the_remedy(document, file, space):
    text = json.dumps(document, indent=1)
    again = f'{json.dumps(ID)}{space}: {{"metrics": {{}}, "runs": []}}'
    merged = text[: text.rindex("}\n}")].rstrip() + ",\n  " + again + "}\n}"
    assert json.loads(merged)["benchmarks"][ID]["runs"] == []
    message = refused(file(merged))
    assert message.startswith(f'benchmarks."{ID}" is given twice (lines ')
    assert "put the runs of both into one list, or remove one of the two" in message


def test_a_field_given_twice_in_a_run_is_named_with_its_place(document, file):
    text = json.dumps(document)
    run = '"session": "20261120T115800Z-7f3a", "boot"'
    message = refused(file(text.replace(run, '"started": "", ' + run, 1)))
    assert message.startswith(f'benchmarks."{ID}".runs[0].started is given twice')


@given(
    st.recursive(
        st.none() | st.integers(0, 9) | st.text('":\\ a\t', max_size=4),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('":\\ a', max_size=3), inner, max_size=3),
    ),
    st.sampled_from([(", ", ": "), (",", ":"), (" ,\n", " : ")]),
)
def test_no_text_of_distinct_names_is_taken_for_one_with_repeated_names(value, separators):
    assert decode(json.dumps(value, separators=separators).encode(), "it") == value


@given(
    st.lists(st.tuples(st.text('":\\ a', max_size=2), st.integers(0, 9)), min_size=1, max_size=4),
    st.sampled_from([":", ": ", " :", "\t:"]),
)
def test_names_are_repeated_or_all_are_there(pairs, colon):
    text = "{" + ",".join(json.dumps(name) + colon + str(value) for name, value in pairs) + "}"
    if len(dict(pairs)) == len(pairs):
        assert decode(text.encode(), "it") == dict(pairs)
    else:
        with pytest.raises(ResultsError, match="given twice"):
            decode(text.encode(), "it")


def test_a_byte_order_mark_is_no_obstacle(document, file):
    assert read(file(b"\xef\xbb\xbf" + json.dumps(document).encode())).device == "nano"


def test_what_jsonschema_cannot_phrase_is_phrased_by_us(document, only):
    deep = {}
    for _ in range(150):
        deep = {"a": deep}
    only["runs"][0].update(session=1, deep=deep)
    with pytest.raises(ResultsError, match=r"runs\[0\]"):
        parse(document)
    only["runs"][0]["latency"] = {"n": 10**5000}
    with pytest.raises(ResultsError, match=r"runs\[0\]\.latency\.n: a number instead of a finite number"):
        parse(document)


def test_errors_are_phrased_without_jsonschema_too(document, only, file, monkeypatch):
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    only["runs"][2]["latency"]["p50"] = "12.2"
    message = refused(file(json.dumps(document)))
    assert message.startswith(f'benchmarks."{ID}".runs[2].latency.p50: a string instead of a finite number')


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_corrupted_bytes_are_read_or_refused_but_never_crash(document, tmp_path, data):
    content = bytearray(json.dumps(document).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        length = data.draw(st.integers(0, 40))
        content[start : start + length] = data.draw(
            st.binary(max_size=8) | st.sampled_from([b"NaN", b"1e999", b"null"])
        )
    path = tmp_path / "corrupt.json"
    path.write_bytes(bytes(content))
    try:
        results = read(path)
    except ResultsError:
        refused(path)
    else:
        assert isinstance(results, Results)
        assert to_json(parse(json.loads(to_json(results)))) == to_json(results)


@pytest.mark.alone
def test_large_files_are_read_in_little_more_time_than_json_takes(document, only, tmp_path):
    only["runs"] = [{**only["runs"][0], "started": f"2026-11-20T12:{minute:02}:00Z"} for minute in range(13)]
    document["benchmarks"] = {f"test_a.py::test_b[{index}]": only for index in range(1000)}
    path = tmp_path / "large.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    json_s, read_s = [], []
    for _ in range(3):
        begin = time.process_time()
        json.loads(path.read_text(encoding="utf-8"))
        json_s.append(time.process_time() - begin)
        begin = time.process_time()
        read(path)
        read_s.append(time.process_time() - begin)
    assert min(read_s) < min(json_s) + 0.5


def test_nothing_heavy_is_imported():
    code = (
        "import sys, pytest_edgeperf.results; "
        "print(sorted({'pytest', 'numpy', 'scipy', 'jsonschema', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
