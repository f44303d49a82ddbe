from __future__ import annotations

import subprocess
import sys
from importlib import metadata

import pytest

from pytest_edgeperf import frameworks
from pytest_edgeperf.frameworks.interface import FrameworkError
from tests.frameworks.registrations import register


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_ours_are_registered():
    assert {"onnxruntime", "torch"} <= set(frameworks.names())
    assert frameworks.get("onnxruntime").name == "onnxruntime"


def test_nothing_heavy_is_imported():
    code = (
        "import sys; from pytest_edgeperf import frameworks; "
        "[frameworks.get(name).version() for name in frameworks.names()]; "
        "print([name for name in ('numpy', 'torch', 'onnxruntime') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(FrameworkError, match=r"'onnxruntimes' \(did you mean 'onnxruntime'\?\); known: .*torch"):
        frameworks.get("onnxruntimes")


def test_another_package_can_register_one(site):
    (site / "other_runtime.py").write_text("from pytest_edgeperf.frameworks.torch import Torch as Other\n")
    register(site, "edgeperf-other", "other", "other_runtime:Other")
    assert "other" in frameworks.names()
    assert frameworks.get("other").install_advice


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("not_there:Runtime", "ModuleNotFoundError: No module named 'not_there'"),
        ("json:loads", "TypeError"),
        ("sys:exit", "SystemExit"),
        ("collections:OrderedDict", "is not a pytest_edgeperf.frameworks.interface.Framework"),
    ],
)
def test_a_broken_adapter_is_named_with_its_package_and_spares_the_others(site, value, reason):
    register(site, "edgeperf-broken", "broken", value)
    with pytest.raises(FrameworkError, match="edgeperf-broken") as raised:
        frameworks.get("broken")
    assert reason in str(raised.value)
    assert "broken" in frameworks.names()
    assert "broken" not in frameworks.installed()
    assert frameworks.get("torch").name == "torch"


def test_two_packages_cannot_own_one_name(site):
    register(site, "edgeperf-mine", "same", "json:loads")
    register(site, "edgeperf-yours", "same", "json:dumps")
    with pytest.raises(FrameworkError, match=r"edgeperf-mine.*edgeperf-yours.*uninstall all but one"):
        frameworks.get("same")


def test_installed_are_those_with_a_version():
    with_a_version = [name for name in frameworks.names() if frameworks.get(name).version() is not None]
    assert list(frameworks.installed()) == with_a_version


def test_a_variant_follows_a_colon():
    compiled = frameworks.get("torch:compile")
    assert (compiled.name, compiled.variant, compiled.full_name) == ("torch", "compile", "torch:compile")
    assert frameworks.get("torch").full_name == "torch"
    with pytest.raises(FrameworkError, match="'torch' has no variant 'cuad'; it has compile"):
        frameworks.get("torch:cuad")
    with pytest.raises(FrameworkError, match="'onnxruntime' has no variant ''; it has cuda"):
        frameworks.get("onnxruntime:")


def test_advice_is_for_the_platform():
    torch = frameworks.get("torch")
    assert torch.advice_on("x86") == torch.install_advice
    assert "2.4.1" in torch.advice_on("jetpack-5")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("sys.exit(3)", "asking odd_runtime:Odd of edgeperf-odd for its version failed: SystemExit: 3"),
        ("1 / 0", "asking odd_runtime:Odd of edgeperf-odd for its version failed: ZeroDivisionError"),
        ("[1, 2]", r"odd_runtime:Odd of edgeperf-odd has the version \[1, 2\], which is not a string"),
    ],
)
def test_a_version_that_cannot_be_told_names_the_package(site, monkeypatch, answer, reason):
    monkeypatch.delitem(sys.modules, "odd_runtime", raising=False)
    source = f"    def version(self):\n        return {answer}\n"
    (site / "odd_runtime.py").write_text(
        f"import sys\nfrom pytest_edgeperf.frameworks.torch import Torch\nclass Odd(Torch):\n{source}"
    )
    register(site, "edgeperf-odd", "odd", "odd_runtime:Odd")
    with pytest.raises(FrameworkError, match=reason):
        frameworks.version_of("odd")
    assert "odd" not in frameworks.installed()


def test_the_files_of_distributions_are_read_once_for_a_search_path(site, monkeypatch):
    frameworks.names()
    scans = []
    distributions = metadata.distributions
    monkeypatch.setattr(metadata, "distributions", lambda: scans.append(1) or distributions())
    for name in frameworks.names():
        frameworks.version_of(name)
    assert not scans
    monkeypatch.syspath_prepend(str(site / "further"))
    frameworks.installed()
    assert len(scans) == 1
