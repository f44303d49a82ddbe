"""The workflows of the page on continuous integration: they are YAML, and the one with rights trusts nothing."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.report.exporters.markdown import COMMENT_BYTES, session_markdown

from .report.hostile import NAMES, TEXTS
from .report.markdown_reading import hostile_report

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

PAGE = (Path(__file__).parents[1] / "docs" / "continuous-integration.md").read_text(encoding="utf-8")
DOCUMENTS = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)]
WORKFLOWS = [document for document in DOCUMENTS if "jobs" in document]
#: YAML 1.1 reads "on" as a truth value.
ON = True
(POSTING,) = (workflow for workflow in WORKFLOWS if "workflow_run" in workflow[ON])
STEPS = {step.get("uses", "").partition("@")[0]: step for step in POSTING["jobs"]["comment"]["steps"]}
SCRIPT = STEPS["actions/github-script"]["with"]["script"]


def literal(name):
    """A regular expression of the script, of which Python's notation is the same."""
    body, flags = re.search(rf"const {name} = /(.*)/(\w*);", SCRIPT).groups()
    return re.compile(body, re.IGNORECASE if "i" in flags else 0)


PLAIN_CODE, FOREIGN = literal("plainCode"), literal("foreign")


def is_posted(text):
    """Whether the script posts a report as it is."""
    marker = text.split("\n", 1)[0]
    return bool(re.search(r"^<!-- edgeperf:[\w.-]{1,100} -->$", marker)) and not FOREIGN.search(
        PLAIN_CODE.sub("", text[len(marker) :])
    )


def test_every_workflow_has_the_least_rights():
    assert len(WORKFLOWS) == 3
    for workflow in WORKFLOWS:
        if workflow is not POSTING:
            assert workflow["permissions"] == {"contents": "read"}
    assert POSTING["permissions"] == {"actions": "read", "pull-requests": "write"}


def test_the_workflow_with_rights_runs_nothing_of_the_pull_request():
    assert set(STEPS) == {"actions/download-artifact", "actions/github-script"}
    assert "${{" not in SCRIPT
    assert POSTING[ON]["workflow_run"]["workflows"] == [WORKFLOWS[0]["name"]]


def test_no_text_of_an_event_is_put_into_a_command():
    for workflow in WORKFLOWS:
        for job in workflow["jobs"].values():
            for step in job["steps"]:
                assert "${{" not in step.get("run", "")


def test_commands_are_what_a_shell_reads():
    for workflow in WORKFLOWS:
        for job in workflow["jobs"].values():
            for step in job["steps"]:
                assert shlex.split(step.get("run", "")) or "uses" in step


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_report_of_ours_is_posted_whatever_names_it_has(name):
    assert is_posted(session_markdown(hostile_report([name], name)))


@given(st.lists(TEXTS, max_size=2, unique=True), TEXTS)
def test_every_report_of_ours_is_posted(names, text):
    document = session_markdown(hostile_report(names, text))
    assert is_posted(document)
    assert len(document.encode()) <= COMMENT_BYTES


@pytest.mark.parametrize(
    "text",
    [
        "see @octocat",
        "&#64;octocat",
        "[here](//evil.example)",
        "[here][x]\n\n[x]: //evil.example",
        "![x](a.png)",
        "<img src=//evil.example/x.png>",
        "<a href=//evil.example>here</a>",
        "<details open>",
        "https://evil.example",
        "www.evil.example",
        "<code>[x](//evil.example)</code>",
        "<code><img src=x></code>",
        "<code>@octocat</code>",
        "<!-- hidden -->",
    ],
)
def test_what_a_fork_could_add_is_not_posted(text):
    assert not is_posted(f"<!-- edgeperf:host -->\n### edgeperf\n\n{text}\n")
    assert is_posted("<!-- edgeperf:host -->\n### edgeperf\n\nfine\n")


@pytest.mark.parametrize("marker", ["", "<!-- edgeperf:a b -->", "<!-- edgeperf:--><b> -->", "x <!-- edgeperf:a -->"])
def test_nothing_is_posted_without_the_marker(marker):
    assert not is_posted(f"{marker}\n### edgeperf\n")


# The script itself, with an API that notes what it is asked to do.

HARNESS = """
const script = require('fs').readFileSync('script.js', 'utf8');
const given = JSON.parse(require('fs').readFileSync('given.json', 'utf8'));
const said = [];
const list = (name) => Object.assign(async () => {}, {listed: name});
const github = {
  paginate: async (method, options) => { said.push([method.listed, options]); return given[method.listed]; },
  rest: {
    pulls: {list: list('pulls')},
    issues: {
      listComments: list('comments'),
      createComment: async (comment) => said.push(['created', comment]),
      updateComment: async (comment) => said.push(['updated', comment]),
    },
  },
};
const context = {repo: {owner: 'ours', repo: 'project'}, payload: {workflow_run: given.run}};
const core = {notice: (text) => said.push(['notice', text])};
const body = `return (async () => {${script}})()`;
Function('github', 'context', 'core', 'require', body)(github, context, core, require)
  .then(() => console.log(JSON.stringify(said)));
"""
RUN = {
    "head_sha": "abc",
    "head_branch": "faster",
    "head_repository": {"owner": {"login": "stranger"}},
    "html_url": "https://github.com/ours/project/actions/runs/1",
}
BOT = {"login": "github-actions[bot]"}
OURS = "<!-- edgeperf:nano -->\n### edgeperf on `nano`: no regression in 3 benchmarks\n"


@pytest.fixture
def post(tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")

    def run(reports, pulls=({"number": 7, "head": {"sha": "abc"}},), comments=()):
        for name, text in reports.items():
            (tmp_path / "untrusted" / name).mkdir(parents=True)
            (tmp_path / "untrusted" / name / "comment.md").write_text(text)
        (tmp_path / "script.js").write_text(SCRIPT)
        (tmp_path / "harness.js").write_text(HARNESS)
        given = {"run": RUN, "pulls": list(pulls), "comments": list(comments)}
        (tmp_path / "given.json").write_text(json.dumps(given))
        done = subprocess.run(
            [node, "harness.js"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
        )
        return [tuple(said) for said in json.loads(done.stdout)]

    return run


def test_a_report_becomes_a_comment_on_the_pull_request_that_github_names(post):
    (_, asked), _, (did, comment) = post({"edgeperf-nano": OURS})
    assert asked["head"] == "stranger:faster"
    assert (did, comment) == ("created", {"owner": "ours", "repo": "project", "issue_number": 7, "body": OURS})


def test_the_devices_own_comment_is_replaced_and_nobody_elses(post):
    nano = OURS.partition("\n")[0]
    comments = [
        {"id": 1, "user": {"login": "stranger"}, "body": nano},
        {"id": 2, "user": BOT, "body": "<!-- edgeperf:orin -->\nother"},
        {"id": 3, "user": BOT, "body": f"{nano}\r\nolder"},
    ]
    did, comment = post({"edgeperf-nano": OURS}, comments=comments)[-1]
    assert (did, comment["comment_id"], comment["body"]) == ("updated", 3, OURS)


def test_what_is_not_ours_is_replaced_by_a_link_to_the_run(post):
    did, comment = post({"edgeperf-nano": f"{OURS}see @octocat [here](//evil.example)\n"})[-1]
    assert did == "created"
    assert "octocat" not in comment["body"]
    assert RUN["html_url"] in comment["body"]


@pytest.mark.parametrize(
    ("reports", "pulls"),
    [
        ({"edgeperf-nano": OURS}, []),
        ({"edgeperf-nano": OURS}, [{"number": 7, "head": {"sha": "newer"}}]),
        ({"edgeperf-nano": "no marker"}, [{"number": 7, "head": {"sha": "abc"}}]),
        ({"edgeperf-nano": OURS + "x" * 70_000}, [{"number": 7, "head": {"sha": "abc"}}]),
        ({}, [{"number": 7, "head": {"sha": "abc"}}]),
    ],
)
def test_otherwise_nothing_is_written(post, reports, pulls):
    assert not {"created", "updated"} & {said[0] for said in post(reports, pulls)}
