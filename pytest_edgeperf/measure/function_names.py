"""What functions are called: Python's own, and those written in C, which profilers know by a description only."""

from __future__ import annotations

import gc
import re
import sys
from functools import partial
from types import BuiltinFunctionType, CodeType, FunctionType, MethodDescriptorType, MethodType
from typing import Any, Dict, List, Optional, Sequence

#: How interpreters describe functions written in C.
_OF_A_TYPE = re.compile(r"<(?:method|slot wrapper|method-wrapper) '(?P<name>[^']+)' of '(?P<owner>[^']+)' objects>")
_OF_A_MODULE = re.compile(
    r"<(?:built-in (?:method|function)|cyfunction|function) (?P<name>[^ >]+)(?: of (?P<owner>[^ >]+) )?"
)


def c_function_name(description: str) -> str:
    """The dotted name of a function written in C, from the profiler's description of it.

    ``<method 'sum' of 'numpy.ndarray' objects>`` is ``numpy.ndarray.sum``, ``<built-in method builtins.len>`` is
    ``len``. One that is described by its bare name gets that of the only package that has such a function:
    ``<resize>`` is ``cv2.resize``. No name holds an address, which another process would not have.
    """
    match = _OF_A_TYPE.match(description) or _OF_A_MODULE.match(description)
    if match is None:
        bare = re.sub(r" at 0x[0-9a-fA-F]+", "", description).strip("<>")
        return _in_a_package(bare) or bare
    name, owner = match.group("name"), match.group("owner")
    if owner is not None:
        return f"{owner}.{name}"
    if "." not in name:
        return _in_a_package(name) or name
    return name[len("builtins.") :] if name.startswith("builtins.") else name


def _in_a_package(name: str) -> Optional[str]:
    """The name with that of the only package that has a C function of it which knows no module."""
    packages: Dict[int, str] = {}
    for package, module in list(sys.modules.items()):
        function = getattr(module, "__dict__", {}).get(name)
        if isinstance(function, BuiltinFunctionType) and function.__module__ is None:
            # The outermost package that shows it is the one that users import.
            packages[id(function)] = min(packages.get(id(function), package), package, key=_depth)
    # OpenCV has a second ``resize``, in ``cv2.gapi``: which of the two it was is not known, the outer one is used most.
    tops = {package.partition(".")[0] for package in packages.values()}
    return f"{min(packages.values(), key=_depth)}.{name}" if len(tops) == 1 else None


def _depth(package: str) -> Any:
    return package.count("."), len(package)


def qualified_names(codes: Sequence[CodeType]) -> List[str]:
    """The qualified name of each code: ``Reader.read``, ``make.<locals>.wrapper``.

    It is that of the code that runs, also where ``functools.wraps`` gave the function the name of another. Before
    Python 3.11 code does not know it: it is then that of a function that has this code, or made from the code around.
    """
    if sys.version_info >= (3, 11):
        return [code.co_qualname for code in codes]
    # By identity: equal functions of two files have equal code.
    names: Dict[int, str] = {}
    wanted = {id(code) for code in codes}
    for item in gc.get_objects():
        if type(item) is FunctionType and id(item.__code__) in wanted and not hasattr(item, "__wrapped__"):
            names.setdefault(id(item.__code__), item.__qualname__)
    for code in codes:
        for inner in code.co_consts:
            if id(inner) in wanted:
                names.setdefault(id(inner), f"{names.get(id(code), code.co_name)}.<locals>.{inner.co_name}")
    return [names.get(id(code), code.co_name) for code in codes]


def called(call: Any) -> Any:
    """What a call without arguments calls: the function of ``functools.partial``, else itself."""
    return called(call.func) if isinstance(call, partial) else call


def unseen_name(function: Any) -> Optional[str]:
    """The dotted name of a callable whose calls no profiler of Python sees, such as ``numpy.add``; else ``None``."""
    seen = (FunctionType, MethodType, BuiltinFunctionType, MethodDescriptorType)
    kind = function if isinstance(function, type) else type(function)
    makers = ("__init__", "__new__") if kind is function else ("__call__",)
    if isinstance(function, seen) or any(isinstance(getattr(kind, name, None), FunctionType) for name in makers):
        return None
    named = function if isinstance(getattr(function, "__name__", None), str) else type(function)
    name = getattr(named, "__qualname__", named.__name__)
    module = getattr(named, "__module__", None) or type(named).__module__
    return str(name) if module == "builtins" else f"{module}.{name}"
