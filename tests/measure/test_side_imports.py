from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path

import pytest

from pytest_edgeperf.measure import side_imports
from pytest_edgeperf.measure.side import Side
from tests.measure.trees import (
    BENCHMARK,
    HATCHLING,
    SETUPTOOLS,
    Environment,
    Repository,
    both,
    needs,
    sides_of,
    specification,
    work,
)

#: Namespace packages and flat layouts are told to setuptools by name, and get its finder.
FLAT = SETUPTOOLS + '[tool.setuptools]\npackages = ["sided"]\n'
FLAT_NAMESPACE = SETUPTOOLS + '[tool.setuptools]\npackages = ["space.sided"]\n'
HATCH_WHEEL = HATCHLING + '[tool.hatch.build.targets.wheel]\npackages = ["src/sided"]\n'
HATCH_NAMESPACE = HATCHLING + '[tool.hatch.build.targets.wheel]\npackages = ["src/space"]\n'
EXACT = "[tool.hatch.build]\ndev-mode-exact = true\n"
#: name -> pyproject.toml, the package's file, options of pip
EDITABLE = {
    "src, setuptools": (SETUPTOOLS, "src/sided/__init__.py", ()),
    "src, setuptools, strict": (SETUPTOOLS, "src/sided/__init__.py", ("--config-settings", "editable_mode=strict")),
    "flat, setuptools": (FLAT, "sided/__init__.py", ()),
    "src, hatch": (HATCH_WHEEL, "src/sided/__init__.py", ()),
    "src, hatch, exact": (HATCH_WHEEL + EXACT, "src/sided/__init__.py", ()),
    "src namespace, setuptools": (SETUPTOOLS, "src/space/sided/__init__.py", ()),
    "flat namespace, setuptools": (FLAT_NAMESPACE, "space/sided/__init__.py", ()),
    "src namespace, hatch": (HATCH_NAMESPACE, "src/space/sided/__init__.py", ()),
}
#: Of each finder one.
ALWAYS = ("src, setuptools, strict", "src, hatch", "flat namespace, setuptools")


def place(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path)


def search_path_with(*entries):
    return [*map(str, entries), *sys.path]


def assert_each_loads_its_own(base, candidate, repository, file):
    assert (base.side, candidate.side) == ("base", "candidate"), (base, candidate)
    assert base.file == str(repository.worktree / file)
    assert candidate.file == str(repository.checkout / file)
    assert (base.problems, candidate.problems) == ([], [])
    assert "run" in base.events
    assert "run" in candidate.events


# Paths


def test_sources_have_a_counterpart_and_nothing_else_has(tmp_path):
    checkout, worktree = tmp_path / "checkout", tmp_path / "worktree"
    side = Side(str(checkout), str(worktree), other=str(checkout))
    assert side.counterpart(str(checkout)) == str(worktree)
    assert side.counterpart(str(checkout / "src" / "one.py")) == str(worktree / "src" / "one.py")
    for outside in (tmp_path / "checkout-2" / "one.py", worktree / "one.py", Path(os.__file__), tmp_path):
        assert side.counterpart(str(outside)) is None
    assert side.counterpart("__editable__.sided-1.finder.__path_hook__") is None
    assert side.in_checkout(str(worktree / "src")) == str(checkout / "src")


def test_an_environment_inside_the_checkout_stays(tmp_path, monkeypatch):
    side = Side(str(tmp_path / "checkout"), str(tmp_path / "worktree"))
    environment = tmp_path / "checkout" / "env"
    assert side.counterpart(str(environment / "lib" / "thing.py")) is not None
    assert side.counterpart(str(environment / "lib" / "site-packages" / "thing.py")) is None
    monkeypatch.setattr(sys, "prefix", str(environment))
    assert side.counterpart(str(environment / "lib" / "thing.py")) is None
    # A checkout inside an environment (pip install -e git+...) is source nevertheless.
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert side.counterpart(str(tmp_path / "checkout" / "thing.py")) is not None


def test_links_into_the_checkout_are_followed(tmp_path):
    inside = place(tmp_path / "checkout" / "src" / "sided" / "__init__.py")
    place(tmp_path / "worktree" / "src" / "sided" / "__init__.py")
    packages = tmp_path / "env" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "sided").symlink_to(Path(inside).parent)
    side = Side(str(tmp_path / "checkout"), str(tmp_path / "worktree"), other=str(tmp_path / "checkout"))
    mapped = side.counterpart(str(packages / "sided" / "__init__.py"))
    assert mapped == str(tmp_path / "worktree" / "src" / "sided" / "__init__.py")
    assert side.is_foreign(str(packages / "sided" / "__init__.py"))


def test_a_worktree_inside_the_checkout_is_not_the_checkout(tmp_path):
    checkout, worktree = tmp_path / "checkout", tmp_path / "checkout" / ".cache" / "worktree"
    base = Side(str(checkout), str(worktree), other=str(checkout))
    candidate = Side(str(checkout), str(checkout), other=str(worktree))
    assert base.counterpart(str(worktree / "one.py")) is None
    assert not base.is_foreign(str(worktree / "one.py"))
    assert base.is_foreign(str(checkout / "one.py"))
    assert candidate.is_foreign(str(worktree / "one.py"))
    assert not candidate.is_foreign(str(checkout / "one.py"))


def test_the_measuring_code_is_nobodys_source(tmp_path):
    checkout = Path(side_imports.__file__).parents[2]
    side = Side(str(checkout), str(tmp_path), other=str(checkout))
    assert side.counterpart(side_imports.__file__) is None
    assert not side.is_foreign(side_imports.__file__)
    assert side.counterpart(str(checkout / "benchmarks" / "conftest.py")) == str(
        tmp_path / "benchmarks" / "conftest.py"
    )


# Workers without an installation


@pytest.mark.untraced
@pytest.mark.parametrize(
    ("file", "entry"), [("src/sided/__init__.py", "src"), ("sided/__init__.py", "."), ("sided.py", "")]
)
def test_each_side_loads_its_own_from_the_search_path(repository, file, entry):
    repository.suite("sided", file)
    base, candidate = both(sys.executable, repository, search_path_with(repository.checkout / entry))
    assert_each_loads_its_own(base, candidate, repository, file)


def test_entries_that_come_after_the_mapping_are_mapped_too(repository):
    repository.suite("sided", "src/sided/__init__.py")
    # Of the base's ini file; and a conftest.py that knows where the checkout is.
    repository.write("pytest.ini", "[pytest]\npythonpath = src\n")
    conftest = f"import sys\nsys.path.insert(0, {str(repository.checkout / 'src')!r})\n"
    place(repository.worktree / "conftest.py", conftest)
    repository.write("conftest.py", conftest)
    base, candidate = both(sys.executable, repository, sys.path)
    assert_each_loads_its_own(base, candidate, repository, "src/sided/__init__.py")


@pytest.mark.untraced
def test_current_folder_and_search_paths_are_the_sides_own(repository):
    file = "src/sided.py"
    repository.suite("sided", file)
    look = (
        "import os, subprocess, sys\n"
        "from sided import SIDE\n"
        "def test_side(timed_inference):\n"
        "    child = 'import sided; print(\"SIDE\", sided.SIDE, sided.__file__)'\n"
        "    print(subprocess.check_output([sys.executable, '-c', child], universal_newlines=True), end='')\n"
        f"    assert open({file!r}).read() == f'SIDE = {{SIDE!r}}\\n'\n"
        "    assert os.path.join(os.getcwd(), 'src') in sys.path\n"
        "    timed_inference(len, 'abc')\n"
    )
    repository.write("bench/test_it.py", look)
    place(repository.worktree / "bench" / "test_it.py", look)
    entry = repository.checkout / "src"
    ordinary = specification(repository, search_path_with(entry))
    here = sides_of(repository)
    variables = {"PYTHONPATH": str(entry)}
    base, candidate = (work(sys.executable, side, ordinary, env=variables) for side in (here.base, here.candidate))
    assert_each_loads_its_own(base, candidate, repository, file)


def test_a_module_from_the_other_sides_tree_is_named(repository):
    repository.suite("sided", "sided.py")
    tricky = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('tricky', {str(repository.checkout / 'sided.py')!r})\n"
        "sys.modules['tricky'] = importlib.util.module_from_spec(spec)\n"
        "def test_side(timed_inference):\n"
        "    timed_inference(len, 'abc')\n"
    )
    repository.write("bench/test_it.py", tricky)
    place(repository.worktree / "bench" / "test_it.py", tricky)
    base, candidate = both(sys.executable, repository, sys.path)
    (problem,) = base.problems
    assert problem.startswith(f"tricky was loaded from the other side's tree: {repository.checkout / 'sided.py'}")
    assert "--against-python" in problem
    assert candidate.problems == []


def test_a_module_that_the_base_has_not_is_simply_not_there(repository):
    repository.suite("sided", "sided.py")
    asking = (
        "try:\n    import newer\nexcept ModuleNotFoundError:\n    newer = None\n"
        "from sided import SIDE, __file__ as file\n"
        "def test_side(timed_inference):\n"
        "    print('SIDE', SIDE, file)\n"
        "    assert (newer is None) == (SIDE == 'base')\n"
        "    timed_inference(len, 'abc')\n"
    )
    repository.write("bench/test_it.py", asking)
    place(repository.worktree / "bench" / "test_it.py", asking)
    repository.write("newer.py", "")
    base, candidate = both(sys.executable, repository, search_path_with(repository.checkout))
    assert_each_loads_its_own(base, candidate, repository, "sided.py")


@pytest.mark.parametrize("missing", ["file", "test"])
def test_a_benchmark_that_the_base_has_not_is_not_collected(repository, missing):
    repository.suite("sided", "sided.py")
    nodeid = "bench/test_newer.py::test_it" if missing == "file" else "bench/test_it.py::test_newer"
    ordinary = specification(repository, search_path_with(repository.checkout), nodeid=nodeid)
    base = work(sys.executable, sides_of(repository).base, ordinary)
    assert base.events == ["not_collected", "exit"], base


def test_the_measuring_code_is_the_coordinators_in_a_repository_that_has_its_own(repository):
    repository.suite(
        "sided", "sided.py", more={"pytest_edgeperf/__init__.py": "raise Exception('of another commit')\n"}
    )
    base, candidate = both(sys.executable, repository, search_path_with(repository.checkout))
    assert_each_loads_its_own(base, candidate, repository, "sided.py")


# What a worktree lacks


def extension(folder):
    """A compiled module that is not built into this interpreter, put into ``folder``; its name."""
    for name in ("_bisect", "_heapq", "_json", "_random", "_csv"):
        file = Path(sysconfig.get_config_var("DESTSHARED"), name + sysconfig.get_config_var("EXT_SUFFIX"))
        if file.exists():
            shutil.copy(str(file), str(folder))
            return name
    return pytest.skip("this interpreter has no compiled module that could be copied")


@pytest.mark.slow
@pytest.mark.parametrize("swallowed", [pytest.param(False, marks=pytest.mark.thorough), True])
def test_a_compiled_package_is_refused_until_it_is_built(repository, swallowed):
    repository.checkout.joinpath("sided").mkdir()
    name = extension(repository.checkout / "sided")
    load = (
        f"try:\n    from sided import {name}\nexcept ImportError:\n    pass\n"
        if swallowed
        else f"from sided import {name}\n"
    )
    bench = load + BENCHMARK
    repository.suite("sided", "sided/__init__.py", more={"bench/test_it.py": bench.format(module="sided")})
    base, candidate = both(sys.executable, repository, search_path_with(repository.checkout))
    assert candidate.side == "candidate"
    assert candidate.problems == []
    (problem,) = base.problems
    assert problem.startswith(f"sided.{name} is built in the checkout ({repository.checkout / 'sided'}")
    assert "--against-setup" in problem
    assert "--against-python" in problem
    assert swallowed or problem in base.errors
    extension(repository.worktree / "sided")
    base, candidate = both(sys.executable, repository, search_path_with(repository.checkout))
    assert_each_loads_its_own(base, candidate, repository, "sided/__init__.py")


def test_a_generated_module_that_git_ignores_is_asked_for(repository):
    repository.suite("sided", "sided/__init__.py", more={"bench/test_it.py": "import sided._version\n"})
    repository.write("sided/_version.py", "")
    base, _ = both(sys.executable, repository, search_path_with(repository.checkout))
    (problem,) = base.problems
    assert problem.startswith("sided._version is built in the checkout")
    assert "--against-setup" in problem


# Workers in an environment where the project is installed


@pytest.fixture
def environment(tmp_path):
    return Environment(tmp_path / "environment")


@pytest.mark.slow
@pytest.mark.parametrize(
    "how", [pytest.param(how, marks=() if how in ALWAYS else pytest.mark.thorough) for how in EDITABLE]
)
def test_each_side_loads_its_own_of_an_editable_install(repository, environment, how):
    project, file, options = EDITABLE[how]
    needs("pip", *(["hatchling"] if "hatch" in how else ["setuptools"]), *(["editables"] if "exact" in how else []))
    module = "space.sided" if "namespace" in how else "sided"
    repository.suite(module, file, project=project)
    environment.install(repository.checkout, *options, "--editable")
    # The namespace has a portion of another project, which both sides share.
    place(environment.packages / "space" / "shared.py")
    base, candidate = both(environment.python, repository, environment.search_path(repository.checkout))
    assert candidate.side == "candidate", candidate
    if "strict" in how:
        # This form links every file from a folder of its own, which is what the candidate loads.
        assert os.path.realpath(candidate.file) == str(repository.checkout / file)
        candidate.file = os.path.realpath(candidate.file)
    assert_each_loads_its_own(base, candidate, repository, file)


@pytest.mark.slow
def test_a_shared_namespace_keeps_its_other_portions(repository, environment):
    needs("pip", "setuptools")
    repository.suite("space.sided", "space/sided/__init__.py", project=FLAT_NAMESPACE)
    for tree in (repository.checkout, repository.worktree):
        file = tree / "bench" / "test_it.py"
        file.write_text("import space.shared\n" + file.read_text())
    environment.install(repository.checkout, "--editable")
    place(environment.packages / "space" / "shared.py")
    base, candidate = both(environment.python, repository, environment.search_path(repository.checkout))
    assert_each_loads_its_own(base, candidate, repository, "space/sided/__init__.py")


@pytest.mark.slow
@pytest.mark.thorough
def test_a_linked_install_is_followed_to_each_sides_own(repository, environment):
    file = "src/sided/__init__.py"
    repository.suite("sided", file)
    (environment.packages / "sided").symlink_to(repository.checkout / "src" / "sided")
    base, candidate = both(environment.python, repository, environment.search_path(repository.checkout))
    assert (base.side, candidate.side) == ("base", "candidate")
    assert base.file == str(repository.worktree / file)
    assert (base.problems, candidate.problems) == ([], [])


@pytest.mark.slow
@pytest.mark.parametrize(
    "where",
    [
        pytest.param("src", marks=pytest.mark.thorough),
        "python",
        pytest.param("projects/one/src", marks=pytest.mark.thorough),
    ],
)
def test_an_installed_copy_that_hides_the_sources_is_refused_on_both_sides(repository, environment, where):
    needs("pip", "hatchling")
    project = Path(where).parent
    repository.suite(
        "sided",
        f"{where}/sided/__init__.py",
        more={f"{project}/pyproject.toml": HATCH_WHEEL.replace("src", Path(where).name)},
    )
    environment.install(repository.checkout / project)
    base, candidate = both(environment.python, repository, environment.search_path(repository.checkout))
    for one, tree in ((base, repository.worktree), (candidate, repository.checkout)):
        (problem,) = one.problems
        assert problem.startswith(f"sided was loaded from an installed copy ({environment.packages / 'sided'}")
        assert str(tree / where) in problem
        assert "pip install -e" in problem
        assert "--against-python" in problem


@pytest.mark.slow
def test_a_part_built_into_the_environment_is_refused(repository, environment):
    repository.suite("sided", "src/sided/__init__.py")
    installed = environment.packages / "sided"
    installed.mkdir()
    name = extension(installed)
    bench = f"import sided\nsided.__path__.append({str(installed)!r})\nfrom sided import {name}\n"
    for tree in (repository.checkout, repository.worktree):
        file = tree / "bench" / "test_it.py"
        file.write_text(bench + file.read_text())
    entry = repository.checkout / "src"
    base, candidate = both(environment.python, repository, [str(entry), *environment.search_path(repository.checkout)])
    (problem,) = base.problems
    assert problem.startswith(f"sided.{name} is built in the environment ({installed}")
    assert candidate.problems == []


@pytest.mark.slow
def test_an_environment_inside_the_checkout_serves_both_sides(repository):
    repository.suite("sided", "sided.py", more={"bench/test_it.py": "import helper\n"})
    for tree in (repository.checkout, repository.worktree):
        place(
            tree / "bench" / "test_it.py",
            "import helper\nfrom sided import SIDE, __file__ as file\n"
            "def test_side(timed_inference):\n    print('SIDE', SIDE, file)\n    timed_inference(len, helper.WORD)\n",
        )
    inside = Environment(repository.checkout / ".venv")
    place(inside.packages / "helper.py", "WORD = 'abc'\n")
    search_path = [str(repository.checkout), *inside.search_path(repository.checkout)]
    base, candidate = both(inside.python, repository, search_path)
    assert_each_loads_its_own(base, candidate, repository, "sided.py")


@pytest.mark.slow
def test_another_python_measures_with_the_coordinators_code(repository, tmp_path):
    other = Environment(tmp_path / "other", without="edgeperf")
    repository.suite("sided", "src/sided/__init__.py")
    from pytest_edgeperf.schedule.against.side_specification import two_sides

    base, _ = two_sides(repository.checkout, repository.worktree, other_python=True)
    ordinary = specification(repository, search_path_with(repository.checkout / "src"))
    done = work(other.python, base, ordinary, own_python=True)
    assert done.side == "base", done
    assert done.problems == []
    assert "run" in done.events
