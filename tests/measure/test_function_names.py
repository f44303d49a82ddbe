from __future__ import annotations

import functools
import sys
import types

import numpy
import pytest

from pytest_edgeperf.measure.function_names import c_function_name, called, qualified_names, unseen_name


@pytest.mark.parametrize(
    ("description", "name"),
    [
        ("<method 'sum' of 'numpy.ndarray' objects>", "numpy.ndarray.sum"),
        ("<slot wrapper '__init__' of 'object' objects>", "object.__init__"),
        ("<built-in method builtins.len>", "len"),
        ("<built-in method time.sleep>", "time.sleep"),
        ("<built-in method torch._C._nn.linear>", "torch._C._nn.linear"),
        ("<built-in method fromkeys>", "fromkeys"),
        ("<built-in method run of PyCapsule object at 0x7f3aeb0>", "PyCapsule.run"),
        ("<cyfunction Reader.read at 0x7f3aeb0>", "Reader.read"),
        ("<edgeperf_resize>", "edgeperf_resize"),
        ("<a repr of its own at 0x7f3aeb0>", "a repr of its own"),
        ("<<>>", ""),
    ],
)
def test_functions_written_in_c_have_names(description, name):
    assert c_function_name(description) == name


def test_one_without_a_module_gets_the_outermost_package_that_has_it(monkeypatch):
    # As OpenCV makes its functions: of no module.
    resize = types.SimpleNamespace(resize=c_function_of_no_module())
    for package in ("cv9.cv9", "cv9", "cv9.utils"):
        monkeypatch.setitem(sys.modules, package, resize)
    assert c_function_name("<resize>") == "cv9.resize"
    monkeypatch.setitem(sys.modules, "cv9.gapi", types.SimpleNamespace(resize=c_function_of_no_module()))
    assert c_function_name("<resize>") == "cv9.resize"
    monkeypatch.setitem(sys.modules, "other", types.SimpleNamespace(resize=c_function_of_no_module()))
    assert c_function_name("<resize>") == "resize"


def c_function_of_no_module():
    # Bound methods of C know no module.
    return [].append


def make():
    return lambda: 1


class Reader:
    def read(self):
        pass


def decorated(function):
    @functools.wraps(function)
    def wrapper():
        return function()

    return wrapper


@decorated
def plain():
    pass


def test_python_code_has_its_own_qualified_name():
    maker = make
    code = maker().__code__
    codes = [Reader.read.__code__, make.__code__, code, plain.__wrapped__.__code__]
    assert qualified_names(codes) == ["Reader.read", "make", "make.<locals>.<lambda>", "plain"]
    assert qualified_names([]) == []


def test_a_wrapper_has_not_the_name_of_what_it_wraps():
    (name,) = qualified_names([plain.__code__])
    assert name.rpartition(".")[2] == "wrapper"


def test_equal_code_of_two_functions_has_two_names():
    first, second = {}, {}
    source = "class {}:\n  def read(self): pass"
    exec(source.format("A"), first)
    exec(source.format("B"), second)
    codes = [first["A"].read.__code__, second["B"].read.__code__]
    assert qualified_names(codes) == ["A.read", "B.read"]


class Callable:
    def __call__(self):
        pass


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (numpy.add, "numpy.add"),
        (dict, "dict"),
        (len, None),
        (str.upper, None),
        (make, None),
        (Reader().read, None),
        (Reader, f"{__name__}.Reader"),
        (Callable(), None),
        (Callable, f"{__name__}.Callable"),
    ],
)
def test_callables_that_no_profiler_sees_have_names(function, name):
    assert unseen_name(function) == name


def test_what_partial_calls():
    assert called(functools.partial(functools.partial(len), [])) is len
    assert called(len) is len
