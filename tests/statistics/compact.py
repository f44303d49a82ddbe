"""Condense recordings of timings into the run summaries that the evaluation of the judge needs.

    python -m tests.statistics.compact FOLDER_OF_NPZ tests/data/noise.npz

A recording is one ``<workload>.npz`` with the arrays ``run_id``, ``duration_ns`` and ``block`` (0 is the
warm-up) of all its samples, and ``meta``, a JSON list with an entry per run: ``run_id``, ``session``, ``kind``
(``plain`` or ``inject``), ``inj`` (per cent of real extra work), ``setup_s``, ``wall_s``, ``cpu_s``,
``nivcsw``, ``canary0``, ``canary1`` (ns) and ``maxrss_kb``. Other kinds are left out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

import numpy as np

from pytest_edgeperf.measure.sample_summary import summarise

SUMMARIES = ("min", "p05", "p25", "p50", "p75", "p90", "p95", "p99", "max", "mean", "sd")
BLOCK_SUMMARIES = ("min", "p05", "p50", "p95", "p99")
KINDS = ("plain", "inject")
#: Consecutive groups of samples whose means stand for the repetitions, values and samples of other tools.
GROUPS = 100
SEED = 20261121


def rare_calls(samples: Any, random: Any) -> Any:
    """Two calls of a hundred take three times as long."""
    return samples * np.where(random.random(len(samples)) < 0.02, 3.0, 1.0)


def some_calls(samples: Any, random: Any) -> Any:
    """One call of ten takes half as long again."""
    return samples * np.where(random.random(len(samples)) < 0.10, 1.5, 1.0)


def more_slow_calls(samples: Any, random: Any) -> Any:
    """Of the calls faster than the upper quartile's edge, one of five takes as long as a call above it.

    In a mixture with 30 % of slow calls this makes it about 45 %.
    """
    edge = np.percentile(samples, 70)
    moved = (samples < edge) & (random.random(len(samples)) < 0.15 / 0.70)
    return np.where(moved, random.choice(samples[samples >= edge], len(samples)), samples)


#: Changes of the shape of a run's samples, which a factor on its summaries cannot express.
SHAPES: Dict[str, Callable[[Any, Any], Any]] = {
    "rare_calls": rare_calls,
    "some_calls": some_calls,
    "more_slow_calls": more_slow_calls,
}


def condense(source: Path) -> Dict[str, Any]:
    """Return the arrays of one workload, a row per run, sorted by kind and time."""
    recorded = np.load(source)
    meta = json.loads(str(recorded["meta"]))
    runs = sorted((run for run in meta if run["kind"] in KINDS), key=lambda run: (run["kind"] != "plain", run["t_rel"]))
    random = np.random.default_rng(SEED)
    rows: Dict[str, List[Any]] = {}

    def put(name: str, value: Any) -> None:
        rows.setdefault(name, []).append(value)

    fewest = min(run["n_timed"] for run in runs)
    for run in runs:
        chosen = (recorded["run_id"] == run["run_id"]) & (recorded["block"] > 0)
        samples_ms = recorded["duration_ns"][chosen] / 1e6
        put("session", run["session"])
        put("injected", run["inj"] / 100)
        put("seconds", run["setup_s"] + run["wall_s"])
        put("canary_ms", [run["canary0"][0] / 1e6, run["canary1"][0] / 1e6])
        put("cpu_share", run["cpu_s"] / run["wall_s"])
        put("involuntary_switches_per_s", run["nivcsw"] / run["wall_s"])
        put("memory_mib", run["maxrss_kb"] / 1024)
        put("n", len(samples_ms))
        put("groups", [group.mean() for group in np.array_split(samples_ms, min(GROUPS, fewest))])
        _put_summary(put, "", samples_ms)
        if run["kind"] == "plain":
            for name, shape in SHAPES.items():
                _put_summary(put, f"{name}/", shape(samples_ms, random))
    return {name: np.array(values, dtype="U1" if name == "session" else np.float32) for name, values in rows.items()}


def _put_summary(put: Callable[[str, Any], None], prefix: str, samples_ms: Any) -> None:
    summary = summarise(samples_ms)
    put(f"{prefix}summary", [summary.get(name, np.nan) for name in SUMMARIES])
    put(f"{prefix}block_sd", [summary["block_sd"].get(name, np.nan) for name in BLOCK_SUMMARIES])


def main(folder: str, target: str) -> None:
    """Condense every recording of a folder into one file."""
    arrays = {
        f"{source.stem}/{name}": values
        for source in sorted(Path(folder).glob("*.npz"))
        for name, values in condense(source).items()
    }
    np.savez_compressed(target, **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
