"""Options of frameworks: declared, checked, and suggested where a name is mistyped."""

from __future__ import annotations

import pytest

from pytest_edgeperf import FrameworkError, Model, Option, frameworks
from pytest_edgeperf.frameworks import registry
from pytest_edgeperf.frameworks.handle import FrameworkHandle
from pytest_edgeperf.frameworks.options import names, one_of, option_values, true_or_false, whole_number

DECLARED = (
    Option("workspace_mib", "memory of a layer", whole_number),
    Option("level", "how much memory", one_of(0, 1, 2), 1),
    Option("optimizers", "to switch off", names, ()),
    Option("cpu_nodes", "whether they may", true_or_false, False),
)


def a_model(**options):
    return Model("net", {"onnx": str}, options={name.replace("__", "."): value for name, value in options.items()})


def values(**options):
    return option_values("fast", DECLARED, a_model(**options))


def test_values_are_the_models_else_the_defaults():
    assert values() == {"workspace_mib": None, "level": 1, "optimizers": (), "cpu_nodes": False}
    given = values(fast__workspace_mib=64, fast__level=0, fast__optimizers=["a"], fast__cpu_nodes=True, other__x=1)
    assert given == {"workspace_mib": 64, "level": 0, "optimizers": ("a",), "cpu_nodes": True}
    assert values(fast__workspace_mib=None)["workspace_mib"] is None


@pytest.mark.parametrize(
    ("option", "value", "accepted"),
    [
        ("workspace_mib", "1G", "a whole number from 0, not '1G'"),
        ("workspace_mib", -1, "a whole number from 0, not -1"),
        ("workspace_mib", True, "a whole number from 0, not True"),
        ("level", 3, "0, 1 or 2, not 3"),
        ("level", True, "0, 1 or 2, not True"),
        ("optimizers", "Pad_Fusion", "a list of names, not 'Pad_Fusion'"),
        ("optimizers", [1], r"a list of names, not \[1\]"),
        ("cpu_nodes", "yes", "True or False, not 'yes'"),
    ],
)
def test_a_value_that_is_not_accepted_is_an_error(option, value, accepted):
    with pytest.raises(FrameworkError, match=rf"^model 'net': fast\.{option} must be {accepted}$"):
        values(**{f"fast__{option}": value})


def test_an_unknown_option_is_an_error_with_a_suggestion():
    with pytest.raises(FrameworkError) as raised:
        values(fast__workspace_mb=64)
    assert str(raised.value) == (
        "model 'net': fast has no option 'fast.workspace_mb' (did you mean 'fast.workspace_mib'?); it has "
        "fast.cpu_nodes, fast.level, fast.optimizers, fast.workspace_mib"
    )
    with pytest.raises(FrameworkError, match=r"plain has no option 'plain\.x'; it has none$"):
        option_values("plain", (), a_model(plain__x=1))


def test_options_among_the_parameters_are_deprecated_and_still_taken():
    model = Model(
        "net", {}, parameters={"flops": 3, "fast.level": 2, "fast.workspace_mib": 8}, options={"fast.level": 0}
    )
    with pytest.warns(DeprecationWarning, match=r"model 'net': .*move fast\.level, fast\.workspace_mib to Model\(opt"):
        given = option_values("fast", DECLARED, model)
    assert (given["workspace_mib"], given["level"]) == (8, 0)
    model = Model("net", {}, parameters={"fast.workspace_mb": 8})
    with pytest.warns(DeprecationWarning, match="deprecated"), pytest.raises(FrameworkError, match="did you mean"):
        option_values("fast", DECLARED, model)


def load(model, name="torch"):
    def skip(reason):
        raise AssertionError(reason)

    return FrameworkHandle(frameworks.get(name), threads=1, software={}, skip=skip).load(model)


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("tensorrt.workspace_mb", r"tensorrt has no option .* \(did you mean 'tensorrt\.workspace_mib'\?\)"),
        ("tensorrt.workspace_mib", "must be a whole number from 0, not 'much'"),
        ("tensor.workspace_mib", r"is for no framework \(did you mean 'tensorrt'\?\)"),
        ("workspace_mib", "is for no framework.* write it as 'framework.option'"),
        ("torch.compile", r"torch has no option 'torch\.compile'; it has none"),
    ],
)
def test_options_are_checked_whichever_framework_loads_the_model(option, complaint):
    with pytest.raises(FrameworkError, match=complaint):
        load(Model("net", {"torch": object}, options={option: "much"}))


def test_options_of_a_framework_that_is_not_registered_are_left_alone():
    registry.require_known_options(Model("net", {}, options={"another-packages.level": 3}))


def test_each_option_of_ours_says_what_it_means_and_accepts_its_default():
    for name in frameworks.names():
        for option in frameworks.get(name).options:
            assert option.meaning
            if option.default is not None:
                assert option.parse(option.default) == option.default
