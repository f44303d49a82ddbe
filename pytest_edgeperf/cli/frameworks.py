"""``edgeperf frameworks``: the runtimes, and how to install those that are absent."""

from __future__ import annotations

from typing import List, Tuple

import click

from pytest_edgeperf.cli.printing import print_rows


@click.command()
def frameworks() -> None:
    """List the frameworks: version, precisions here and what they compute with, or how to install them here."""
    from pytest_edgeperf.devices import platform
    from pytest_edgeperf.devices.device import machine_root
    from pytest_edgeperf.frameworks import get, names
    from pytest_edgeperf.frameworks.interface import PRECISIONS, FrameworkError

    here = platform(machine_root())
    rows: List[Tuple[str, ...]] = [("framework", "version", "precisions", "providers", "variants")]
    absent: List[Tuple[str, ...]] = []
    unusable: List[Tuple[str, ...]] = []
    for name in names():
        try:
            framework = get(name)
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
        ("unusable:", unusable),
        (f"not installed; how to install them on this machine ({here}):", absent),
    ):
        if listed:
            click.echo(f"\n{title}" if title else "", nl=bool(title))
            print_rows(listed)
