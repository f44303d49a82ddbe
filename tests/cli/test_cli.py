from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

import pytest_edgeperf
from pytest_edgeperf.cli import main
from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison, MetricVerdict
from pytest_edgeperf.results import ResultsError

ID = "benchmarks/test_a.py::test_a[onnxruntime-fp32]"


@pytest.fixture(autouse=True)
def _width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def run(*arguments):
    return CliRunner().invoke(main, arguments)


def answer(monkeypatch, word):
    metric = MetricVerdict(
        word, "p50", "ms", ratio=1.081, interval=(1.052, 1.111), baseline=11.3, candidate=12.2, tolerance=0.02
    )
    asked = []

    def compare(base, candidate, *, tolerance, alpha, allow_differences):
        asked.append((base, candidate, tolerance, alpha))
        return Comparison({ID: BenchmarkVerdict(word, {"latency": metric})})

    monkeypatch.setattr(pytest_edgeperf, "compare", compare)
    return asked


def write_results(path, milliseconds):
    metrics = {"latency": {"unit": "ms", "better": "lower"}}
    runs = [
        {
            "environment": "8c1f0e2a",
            "started": f"2026-11-20T12:{k:02d}:00Z",
            "session": "s1",
            "latency": {
                "n": 400,
                "p05": milliseconds * noise * 0.97,
                "p50": milliseconds * noise,
                "p95": milliseconds * noise * 1.05,
                "block_sd": {"p05": 0.004, "p50": 0.004, "p95": 0.01},
            },
        }
        for k, noise in enumerate((1.0, 1.004, 0.997, 1.002, 0.999, 1.001, 0.998, 1.003, 1.0))
    ]
    document = {
        "format": "edgeperf-results",
        "version": 1,
        "device": "host",
        "environments": {"8c1f0e2a": {"fingerprint": {"device": "host"}}},
        "benchmarks": {ID: {"parameters": {}, "metrics": metrics, "runs": runs}},
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def test_regressed_exits_with_1_and_passes_the_options_on(monkeypatch):
    asked = answer(monkeypatch, "regressed")
    done = run("compare", "a.json", "b.json", "--tolerance", "0.03", "--alpha", "0.05")
    assert done.exit_code == 1
    assert asked == [("a.json", "b.json", 0.03, 0.05)]
    assert "12.2 ms  +8.1 % [+5.2, +11.1]" in done.output
    assert "1 regressed" in done.output


@pytest.mark.parametrize("word", ["unchanged", "improved", "inconclusive", "new", "missing", "incomparable"])
def test_everything_else_exits_with_0(monkeypatch, word):
    answer(monkeypatch, word)
    done = run("compare", "a.json", "b.json")
    assert done.exit_code == 0
    assert word in done.output


def test_markdown(monkeypatch):
    answer(monkeypatch, "regressed")
    done = run("compare", "a.json", "b.json", "--format", "markdown")
    assert done.exit_code == 1
    path, _, name = ID.rpartition("::")
    assert f"| regressed in `{path}::` |" in done.output
    assert f"| `{name}` |" in done.output


def test_an_unusable_file_is_one_sentence_on_stderr_and_exit_4(monkeypatch):
    def compare(base, candidate, **options):
        raise ResultsError(f"{base}: the file is empty; restore it")

    monkeypatch.setattr(pytest_edgeperf, "compare", compare)
    done = run_with_stderr("compare", "a.json", "b.json")
    assert done.exit_code == 4
    assert done.stderr == "edgeperf: a.json: the file is empty; restore it\n"
    assert done.stdout == ""


def test_an_unreadable_file_is_exit_4_too(monkeypatch):
    def compare(base, candidate, **options):
        raise PermissionError(13, "Permission denied", base)

    monkeypatch.setattr(pytest_edgeperf, "compare", compare)
    done = run_with_stderr("compare", "a.json", "b.json")
    assert done.exit_code == 4
    assert done.stderr == "edgeperf: a.json: Permission denied\n"


def run_with_stderr(*arguments):
    try:
        runner = CliRunner(mix_stderr=False)
    except TypeError:  # click 8.2 always keeps them apart
        runner = CliRunner()
    return runner.invoke(main, arguments)


def test_the_former_word_of_a_format_is_taken_with_a_note(monkeypatch):
    answer(monkeypatch, "unchanged")
    now, former = (run_with_stderr("compare", "a.json", "b.json", "--format", word) for word in ("text", "table"))
    assert former.exit_code == now.exit_code == 0
    assert former.stdout == now.stdout
    assert now.stderr == ""
    assert former.stderr == "edgeperf: --format table is deprecated: use --format text\n"


def options_of(group, path=()):
    """Each command's path and ``--format``, where it has one."""
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "list_commands"):
            yield from options_of(command, (*path, name))
        else:
            yield from (((*path, name), option) for option in command.params if option.name == "shown_by")


def test_formats_have_the_same_words_in_every_command():
    found = dict(options_of(main))
    assert {("compare",), ("noise",), ("report",), ("doctor",), ("baseline", "references")} <= set(found)
    for path, option in found.items():
        words = option.type.get_metavar(option).strip("[]").split("|")
        assert "table" not in words, path
        if path != ("export",):  # which has formats of other tools only
            assert option.default == words[0] == "text", path


@pytest.mark.parametrize("arguments", [("--tolerance", "-1"), ("--alpha", "0"), ("--format", "xml")])
def test_wrong_options_are_refused(arguments):
    done = run("compare", "a.json", "b.json", *arguments)
    assert done.exit_code == 2
    assert "Invalid value" in done.output


def test_version():
    done = run("--version")
    assert done.exit_code == 0
    assert done.output.startswith("edgeperf, version ")


def test_frameworks_lists_versions_precisions_options_and_advice(monkeypatch):
    from pytest_edgeperf import devices, frameworks
    from pytest_edgeperf.frameworks.interface import Framework, FrameworkError
    from pytest_edgeperf.frameworks.options import Option

    class Installed(Framework):
        name = "torch"
        install_advice = "-"
        precisions = ("fp32", "fp16", "bf16")
        variants = ("compile",)
        options = (
            Option("level", "how long it searches", int, 3),
            Option("names", "what to switch off", list, ()),
        )

        def version(self):
            return "2.1.0"

        def unable(self, precision):
            return super().unable(precision) or ("not on this CPU" if precision == "fp16" else None)

        unsupported = _load = None

    class Absent(Installed):
        options = ()
        install_advice = "pip install onnxruntime"
        install_on = types.MappingProxyType({"jetpack-5": "pip install onnxruntime==1.19.2"})

        def version(self):
            return None

    def get(name):
        if name == "broken":
            raise FrameworkError("its adapter cannot be imported")
        made = {"torch": Installed, "onnxruntime": Absent}[name]
        made.__abstractmethods__ = frozenset()
        return made()

    monkeypatch.setattr(frameworks, "names", lambda: ["broken", "onnxruntime", "torch"])
    monkeypatch.setattr(frameworks, "get", get)
    monkeypatch.setattr(devices, "platform", lambda root: "jetpack-5")
    assert run("frameworks").output.splitlines() == [
        "framework  version  precisions  providers  variants",
        "torch      2.1.0    fp32, bf16  cpu        torch:compile",
        "",
        "options of a model, Model(..., options={name: value}):",
        "torch.level  how long it searches  default: 3",
        "torch.names  what to switch off",
        "",
        "unusable:",
        "broken  its adapter cannot be imported",
        "",
        "not installed; how to install them on this machine (jetpack-5):",
        "onnxruntime  pip install onnxruntime==1.19.2",
    ]


def profiles(rootdir):
    nano = SimpleNamespace(name="nano", description="Jetson Nano")
    host = SimpleNamespace(name="host", description="any other machine")
    return {"nano": nano, "host": host}


def test_devices_marks_this_machine(monkeypatch):
    from pytest_edgeperf import devices

    here = SimpleNamespace(name="host", description="AMD EPYC, 2 cores", profile=None)
    monkeypatch.setattr(devices, "profiles", profiles)
    monkeypatch.setattr(devices, "resolve", lambda name, rootdir: here)
    assert run("devices").output.splitlines() == [
        "   nano  Jetson Nano",
        "*  host  any other machine",
        "",
        "This machine is host: AMD EPYC, 2 cores",
    ]


def test_nothing_that_a_profile_or_a_file_says_moves_the_cursor(monkeypatch):
    from pytest_edgeperf import devices

    here = SimpleNamespace(name="a\x1b[2Jb", description="x\x1b]0;owned\x07", profile=None)
    profile = SimpleNamespace(name=here.name, description=here.description)
    monkeypatch.setattr(devices, "profiles", lambda rootdir: {here.name: profile})
    monkeypatch.setattr(devices, "resolve", lambda name, rootdir: here)
    output = run("devices").output
    assert output.replace("\n", "").isprintable()
    assert r"This machine is a\x1b[2Jb: x\x1b]0;owned\x07" in output
    done = run_with_stderr("compare", "no\x1b[2Jfile.json", "b.json")
    assert done.exit_code == 4
    assert done.stderr.replace("\n", "").isprintable()


def test_devices_says_when_this_machine_cannot_tell_what_it_is(monkeypatch):
    from pytest_edgeperf import devices

    def resolve(name, rootdir):
        raise devices.DeviceMismatch("its device tree cannot be read")

    monkeypatch.setattr(devices, "profiles", profiles)
    monkeypatch.setattr(devices, "resolve", resolve)
    done = run("devices")
    assert done.exit_code == 0
    assert "*" not in done.output
    assert done.output.endswith("\nits device tree cannot be read\n")


def test_devices_here():
    done = run("devices")
    assert done.exit_code == 0
    assert "nano" in done.output


CPUS = "/sys/devices/system/cpu"
FIT = {
    "/proc/loadavg": "0.00 0.00 0.00 1/9 9\n",
    "/proc/meminfo": "MemTotal: 4000000 kB\nMemAvailable: 3145728 kB\n",
    f"{CPUS}/online": "0-1\n",
    f"{CPUS}/present": "0-1\n",
    "/sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "/sys/class/thermal/thermal_zone0/temp": "41500\n",
}


@pytest.fixture
def machine(tmp_path, monkeypatch):
    def make(files):
        for path, text in files.items():
            file = tmp_path / "machine" / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        monkeypatch.setenv("EDGEPERF_ROOT", str(tmp_path / "machine"))

    return make


def test_doctor_tells_what_is_wrong_why_it_matters_and_what_mends_it(machine):
    machine({**FIT, "/proc/loadavg": "3.00 1.00 0.50 4/99 9\n"})
    done = run("doctor")
    assert done.exit_code == 1
    first, _, *lines = done.output.splitlines()
    assert first.startswith("host: ")
    assert lines[0].startswith("problem  background   load 3.00 on 2 cores in the last minute")
    assert any(line.strip().startswith("-> ps aux --sort=-%cpu | head") for line in lines)
    assert "ok       memory-free  3072 MiB are available" in done.output
    assert done.output.endswith("not fit to measure: 1 problem (background)\n")


def test_doctor_in_json_for_a_machine_that_is_fit(machine):
    machine(FIT)
    done = run("doctor", "--format", "json")
    assert done.exit_code == 0
    told = json.loads(done.output)
    assert told["fit"] is True
    assert told["device"] == "host"
    memory = next(check for check in told["checks"] if check["id"] == "memory-free")
    assert memory == {"id": "memory-free", "state": "ok", "found": "3072 MiB are available", "why": "", "remedy": ""}


def test_doctor_refuses_another_device(machine):
    machine(FIT)
    done = run("doctor", "--device", "nano")
    assert done.exit_code == 4
    assert "--device=nano needs a module" in done.output


def test_sensors_lists_what_can_be_read_and_why_the_others_cannot(machine):
    machine(FIT)
    done = run("sensors")
    assert done.exit_code == 0
    (line,) = [line for line in done.output.splitlines() if line.startswith("temperature_cpu")]
    assert line.split() == ["temperature_cpu", "41.5", "degC", "/sys/class/thermal/thermal_zone0/temp"]
    assert "not available:" in done.output
    assert "power_total: nothing here measures the whole machine" in " ".join(done.output.split())


def test_here_doctor_and_sensors_answer():
    assert run("doctor").exit_code in (0, 1)
    assert run("sensors").exit_code == 0


def test_json_of_two_real_files(tmp_path):
    base = write_results(tmp_path / "base.json", 10.0)
    done = run("compare", base, write_results(tmp_path / "slow.json", 13.0), "--format", "json")
    assert done.exit_code == 1
    found = json.loads(done.output)
    assert found["summary"]["regressed"] == 1
    assert found["benchmarks"][ID]["verdict"] == "regressed"
    assert run("compare", base, base).exit_code == 0


def test_a_real_process(tmp_path):
    base = write_results(tmp_path / "base.json", 10.0)
    command = [sys.executable, "-c", "from pytest_edgeperf.cli import main; main()", "compare", base]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "80"}
    missing = subprocess.run([*command, str(tmp_path / "none.json")], env=environment, capture_output=True, text=True)
    assert missing.returncode == 4
    assert missing.stderr.startswith("edgeperf: ")
    assert "none.json" in missing.stderr
    assert len(missing.stderr.splitlines()) == 1
    good = subprocess.run([*command, base], env=environment, capture_output=True, text=True)
    assert good.returncode == 0, good.stderr
    assert good.stdout.isascii()
    assert "\x1b" not in good.stdout
    assert "1 unchanged" in good.stdout


def test_the_command_imports_nothing_heavy():
    code = (
        "import sys, pytest_edgeperf.cli\n"
        "print([m for m in ('rich', 'numpy', 'scipy', 'pytest', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
