"""The README's table of networks, from the catalogue and from figures that are kept in ``readme_networks.json``.

``python benchmarks/readme_networks.py [NAME …]`` counts all or these anew, on torch's meta device and so without
running a network, and keeps them; ``readme_tables.py`` then writes the text.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Mapping, Sequence, Tuple

from checklists.reading import significant
from models.network import FLOPS, MULTIPLY_ACCUMULATES, Network, Printed
from models.networks import NETWORKS, known
from models.sources import FORMATS
from suites import READERS
from tasks.sizes import Resolution, label

KEPT = Path(__file__).parent / "readme_networks.json"
#: Network -> resolution -> its parameters and multiply-accumulates.
Counts = Dict[str, Dict[str, Dict[str, int]]]
#: A printed figure that differs by more is explained.
LARGEST_DIFFERENCE = 0.02
INTRODUCTION = """\
## The networks

What an inference computes, counted from the definition: convolutions and linear layers, without biases, norms,
activations and pooling. A multiply-accumulate (MAC) is two operations (FLOPs); papers print either as "FLOPs", and the
table names which. `models/catalogue/` describes them; `tox run -e zoo` builds, exports and compares all.
YOLOv5, which trinh-2023 measured, is not among them: its definition is under the AGPL, and YOLOX is the nearest."""


def resolutions(network: Network) -> List[Resolution]:
    """The native resolution, and those that papers counted at."""
    others = [printed.resolution for printed in network.published.values() if printed.resolution is not None]
    return list(dict.fromkeys([network.native, *others]))


def counted(names: Iterable[str]) -> Counts:
    """What these networks have, counted anew. Needs torch, and the libraries of their definitions."""
    from models.weights import unseeded_figures

    counts: Counts = {}
    for network in map(known, names):
        counts[network.name] = {}
        for resolution in resolutions(network):
            figures = unseeded_figures(network.architecture, network.shape(resolution))
            counts[network.name][label(resolution)] = {
                key: figures[key] for key in ("parameters", MULTIPLY_ACCUMULATES)
            }
    return counts


def kept() -> Counts:
    """The kept figures."""
    counts: Counts = json.loads(KEPT.read_text("utf-8"))
    return counts


def to_json(counts: Counts) -> str:
    """A network per line, so that a diff is readable."""
    lines = [f" {json.dumps(name)}: {json.dumps(counts[name], sort_keys=True)}" for name in sorted(counts)]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def differences(network: Network, counts: Mapping[str, Mapping[str, int]]) -> Iterator[Tuple[str, Printed, List[str]]]:
    """Of each paper: what it prints, and what of it differs by more than :data:`LARGEST_DIFFERENCE`."""
    for paper, printed in network.published.items():
        ours = counts[label(network.native if printed.resolution is None else printed.resolution)]
        operations = ours[MULTIPLY_ACCUMULATES] * (2 if printed.convention == FLOPS else 1)
        pairs = (("parameters", printed.parameters, ours["parameters"]), ("operations", printed.operations, operations))
        shares = [(what, value / right - 1) for what, value, right in pairs if value is not None]
        yield paper, printed, [f"{what} {share:+.0%}" for what, share in shares if abs(share) > LARGEST_DIFFERENCE]


def section(counts: Counts) -> str:
    """The table, and below it why a printed figure differs."""
    lines = [
        "| network | task | input | GFLOPs | GMACs | parameters (M) | as printed | definition |",
        "|---|---|---|--:|--:|--:|---|---|",
    ]
    explained = []
    for name in sorted(counts, key=lambda name: (NETWORKS[name].task, name)):
        network = NETWORKS[name]
        ours = counts[name][label(network.native)]
        size = "x".join([*([str(network.frames)] if network.frames else []), label(network.native)])
        compared = list(differences(network, counts[name]))
        cells = [
            f"`{name}`",
            network.task,
            size,
            significant(2 * ours[MULTIPLY_ACCUMULATES] / 1e9),
            significant(ours[MULTIPLY_ACCUMULATES] / 1e9),
            significant(ours["parameters"] / 1e6),
            "; ".join(_printed(paper, printed) for paper, printed, _ in compared),
            "; ".join(filter(None, [network.source, network.description])),
        ]
        lines.append(f"| {' | '.join(cells)} |")
        explained += [
            f"- `{name}`, {paper}{' (' * bool(what)}{', '.join(what)}{')' * bool(what)}: {printed.differences}."
            for paper, printed, what in compared
            if what or printed.differences
        ]
    reasons = (
        f"Printed figures that differ by more than {100 * LARGEST_DIFFERENCE:g} %, or need a remark:\n\n"
        + "\n".join(explained)
    )
    return "\n\n".join([INTRODUCTION, "\n".join(lines), reasons])


def formats() -> str:
    """Which networks there are in which formats, and what reads them."""
    lines = [
        "Every network is a PyTorch module and an ONNX file, from which the other runtimes convert. Beside these:",
        "",
        "| format | read by | networks |",
        "|---|---|---|",
    ]
    for kind, readers in {"tensorflow": "`tensorflow`", **dict.fromkeys(READERS, "`opencv` before release 5")}.items():
        networks = ", ".join(name for name in FORMATS[kind] if name in NETWORKS)
        lines.append(f"| `{kind}` | {readers} | {networks} |")
    return "\n".join(lines)


def _printed(paper: str, printed: Printed) -> str:
    unit = "GFLOPs" if printed.convention == FLOPS else "GMACs"
    figures = [
        *([f"{printed.parameters / 1e6:.6g} M"] if printed.parameters is not None else []),
        *([f"{printed.operations / 1e9:.4g} {unit}"] if printed.operations is not None else []),
        *([f"at {label(printed.resolution)}"] if printed.resolution is not None else []),
    ]
    return f"{paper} ({printed.called}): {', '.join(figures)}"


def main(names: Sequence[str]) -> None:
    """Count and keep; what is no longer in the catalogue is dropped."""
    before = {name: counts for name, counts in kept().items() if name in NETWORKS} if names else {}
    KEPT.write_text(to_json({**before, **counted(names or NETWORKS)}), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
