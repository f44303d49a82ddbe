"""``edgeperf schema``: the JSON Schemas of the files that programs read."""

from __future__ import annotations

import click


@click.command()
@click.argument("name", metavar="[report|results]", type=click.Choice(["report", "results"]), default="report")
def schema(name: str) -> None:
    """Print the JSON Schema of reports or of results files.

    report: what pytest --edgeperf-report FILE.json, edgeperf compare --format json and edgeperf report --format json
    write. results: what pytest --edgeperf-results FILE writes; a baseline is such a file.
    """
    from pytest_edgeperf.results.errors import schema_text

    click.echo(schema_text("report_schema.json" if name == "report" else "schema.json"), nl=False)
