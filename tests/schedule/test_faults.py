from __future__ import annotations

import signal

import pytest

from pytest_edgeperf.schedule.worker.faults import KILLED, describe_exit, hung, last_memory, oom_kills


def tree(root, **files):
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


KERNEL = "the kernel's oom_kill counter"
GROUP = "the control group's oom_kill counter"
VMSTAT = "pgfault 12\noom_kill 4\nnr_free 9\n"


def test_the_kernels_counter_is_that_of_vmstat(tmp_path):
    assert oom_kills(tree(tmp_path, **{"proc/vmstat": VMSTAT})) == {KERNEL: 4}


def test_the_group_is_found_in_cgroup_v2(tmp_path):
    root = tree(
        tmp_path,
        **{
            "proc/vmstat": VMSTAT,
            "proc/self/cgroup": "0::/user.slice/session-1.scope\n",
            "sys/fs/cgroup/user.slice/session-1.scope/memory.events": "low 0\noom 3\noom_kill 2\noom_group_kill 1\n",
        },
    )
    assert oom_kills(root) == {KERNEL: 4, GROUP: 2}


def test_the_group_is_found_in_cgroup_v1(tmp_path):
    root = tree(
        tmp_path,
        **{
            "proc/self/cgroup": "12:cpu,cpuacct:/\n9:memory:/docker/ab:cd\n1:name=systemd:/docker\n0::/\n",
            "sys/fs/cgroup/memory/docker/ab:cd/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n",
        },
    )
    assert oom_kills(root) == {GROUP: 7}


def test_memory_that_shares_its_hierarchy_is_found(tmp_path):
    root = tree(
        tmp_path,
        **{
            "proc/self/cgroup": "3:cpuset,memory:/a\n",
            "sys/fs/cgroup/memory/a/memory.oom_control": "under_oom 0\noom_kill 1\n",
        },
    )
    assert oom_kills(root) == {GROUP: 1}


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"proc/vmstat": "pgfault 12\n", "proc/self/cgroup": "0::/gone\n"},
        {"proc/self/cgroup": "1:cpu:/\n"},
        {"proc/self/cgroup": "9:memory:/a\n", "sys/fs/cgroup/memory/a/memory.oom_control": "under_oom 0\n"},
    ],
)
def test_a_kernel_that_does_not_count_gives_no_counter_and_not_zero(tmp_path, files):
    assert oom_kills(tree(tmp_path, **files)) == {}


def test_a_kill_while_a_counter_rose_is_out_of_memory_with_the_evidence():
    text = describe_exit(-signal.SIGKILL, {KERNEL: 1, GROUP: 0}, {KERNEL: 1, GROUP: 1})
    assert "out of memory" in text
    assert GROUP in text
    assert KERNEL not in text


@pytest.mark.parametrize("after", [{KERNEL: 1}, {KERNEL: 1, GROUP: 5}, {}])
def test_a_kill_while_no_known_counter_rose_is_not_called_out_of_memory(after):
    text = describe_exit(-signal.SIGKILL, {KERNEL: 1}, after)
    assert "SIGKILL from outside" in text
    assert "killed: out of memory" not in text


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGILL, signal.SIGTERM])
def test_another_signal_is_named_even_if_memory_ran_out_elsewhere(number):
    assert describe_exit(-number, {KERNEL: 0}, {KERNEL: 1}) == f"crashed with {number.name}"


def test_a_signal_without_a_name_is_numbered():
    assert describe_exit(-63, {}, {}) == "crashed with signal 63"


@pytest.mark.parametrize("status", [0, 1, 3, 255])
def test_an_exit_in_the_middle_has_its_status(status):
    assert f"exit status {status} in the middle" in describe_exit(status, {}, {})


def test_a_hang_names_the_limit_and_how_to_raise_it():
    assert hung(2.5) == "hung: not finished after 2.5 s, so it was killed; --edgeperf-timeout raises the limit"


def test_what_was_last_seen_of_the_memory():
    assert last_memory(812.4, 96.0) == "; at the last reading its peak was 812 MiB and the system had 96 MiB left"
    assert last_memory(812.4, None) == "; at the last reading its peak was 812 MiB"
    assert last_memory(None, None) == ""


@pytest.mark.parametrize("after", [{KERNEL: 1}, {KERNEL: 2}])
def test_each_kill_begins_with_the_same_word(after):
    assert describe_exit(-signal.SIGKILL, {KERNEL: 1}, after).startswith(KILLED)
