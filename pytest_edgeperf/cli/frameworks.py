"""``edgeperf frameworks``: the runtimes, and how to install those that are absent."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Tuple

import click

from pytest_edgeperf.cli.printing import print_rows

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.options import Option


@click.command()
def frameworks() -> None:
    """List the frameworks here, and how to install the others.

    Of each, the version, the precisions that it has on this machine, its providers, variants and options.
    """
    from pytest_edgeperf.devices import platform
    from pytest_edgeperf.devices.device import machine_root
    from pytest_edgeperf.frameworks import get, names
    from pytest_edgeperf.frameworks.interface import PRECISIONS, FrameworkError

    here = platform(machine_root())
    rows: List[Tuple[str, ...]] = [("framework", "version", "precisions", "providers", "variants")]
    absent: List[Tuple[str, ...]] = []
    unusable: List[Tuple[str, ...]] = []
    options: List[Tuple[str, ...]] = []
    for name in names():
        try:
            framework = get(name)
            options.extend((f"{name}.{option.name}", option.meaning, _default(option)) for option in framework.options)
            version = framework.version()
            if version is None:
                absent.append((name, framework.advice_on(here)))
                continue
            able = [precision for precision in PRECISIONS if framework.unable(precision) is None]
            variants = ", ".join(f"{name}:{variant}" for variant in framework.variants)
            rows.append((name, str(version), ", ".join(able), ", ".join(framework.providers()), variants))
        except FrameworkError as error:
            unusable.append((name, str(error)))
        except (Exception, SystemExit) as error:  # another package's code
            unusable.append((name, f"its adapter failed: {type(error).__name__}: {error}"))
    for title, listed in (
        ("", rows if len(rows) > 1 else []),
        ("options of a model, Model(..., options={name: value}):", options),
        ("unusable:", unusable),
        (f"not installed; how to install them on this machine ({here}):", absent),
    ):
        if listed:
            click.echo(f"\n{title}" if title else "", nl=bool(title))
            print_rows(listed)


def _default(option: Option) -> str:
    return "" if option.default in (None, (), {}) else f"default: {option.default}"
