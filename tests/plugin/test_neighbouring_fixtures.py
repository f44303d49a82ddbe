from __future__ import annotations

import os

from .conftest import properties_of

ORDER = """
def note(what):
    with open(pathlib.Path(__file__).with_name(f"order-{os.getpid()}.txt"), "a") as file:
        file.write(what + "\\n")

@pytest.fixture(scope="module")
def module_thing():
    note("module up")
    yield
    note("module down")

@pytest.fixture(scope="class")
def class_thing():
    note("class up")
    yield
    note("class down")

@pytest.fixture
def own_thing():
    note("own up")
    yield
    note("own down")
"""


def order_in(project, pid):
    """What the process itself noted, and what each of its workers noted."""
    own = list(project.path.glob(f"order-{pid}.txt"))
    workers = [path for path in project.path.glob("order-*.txt") if path not in own]
    return [path.read_text().splitlines() for path in own], [path.read_text().splitlines() for path in workers]


def run(project, *arguments):
    with project.start(*arguments, "--junitxml=junit.xml") as session:
        output, _ = session.communicate(timeout=120)
    own, workers = order_in(project, session.pid)
    return session.returncode, output, own[0], workers


def test_wider_fixtures_of_ordinary_tests_stay_up_around_a_benchmark(project):
    project.suite(
        ORDER
        + """
class TestIt:
    def test_before(self, module_thing, class_thing):
        note("before")

    def test_measured(self, timed_inference, own_thing):
        note("measured")
        timed_inference(work, 1000)

    def test_after(self, module_thing, class_thing):
        note("after")

def test_last(module_thing):
    note("last")
"""
    )
    code, output, own, workers = run(project)
    assert code == 0, output
    assert own == ["module up", "class up", "before", "after", "class down", "last", "module down"]
    assert workers == [["own up", "measured", "own down"]]
    assert list(project.testcases()) == ["test_before", "test_measured", "test_after", "test_last"]


def test_a_benchmark_as_the_last_item_tears_down_what_is_left(project):
    project.suite(
        ORDER
        + """
def test_before(module_thing):
    note("before")

def test_measured(timed_inference, module_thing):
    note("measured")
    timed_inference(work, 1000)
"""
    )
    code, output, own, workers = run(project)
    assert code == 0, output
    assert own == ["module up", "before", "module down"]
    assert workers == [["module up", "measured", "module down"]]


def test_a_failing_teardown_next_to_a_benchmark_is_an_error(project):
    project.suite(
        """
@pytest.fixture(scope="module")
def fragile():
    yield
    if os.environ["COORDINATOR"] == str(os.getppid()):
        raise OSError("the shelf fell down")

def test_before(fragile):
    pass

def test_measured(timed_inference):
    timed_inference(work, 1000)
"""
    )
    outcome = project.run("--junitxml=junit.xml", env={"COORDINATOR": str(os.getpid())})
    assert outcome.code == 1, outcome
    assert "the shelf fell down" in outcome
    assert "1 error" in outcome
    assert "2 passed" in outcome


def test_a_teardown_that_fails_in_a_worker_is_an_error(project):
    project.suite(
        """
@pytest.fixture
def fragile():
    yield
    raise OSError("the shelf fell down")

def test_measured(timed_inference, fragile):
    timed_inference(work, 1000)
"""
    )
    outcome = project.run("--junitxml=junit.xml")
    assert outcome.code == 1, outcome
    assert "the shelf fell down" in outcome
    assert project.testcases()["test_measured"].find("error") is not None


def test_what_a_worker_printed_and_recorded_is_in_the_report(project):
    project.suite(
        """
def test_measured(timed_inference, record_property, cache):
    print("words on the way")
    record_property("colour", "green")
    timed_inference(work, 1000)
    assert cache.get("nothing", None)
"""
    )
    outcome = project.run("--junitxml=junit.xml")
    assert outcome.code == 1, outcome
    assert "words on the way" in outcome
    assert "assert None" in outcome
    assert properties_of(project.testcases()["test_measured"])["colour"] == "green"
