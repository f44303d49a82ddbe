"""Runtimes that accept a precision but may compute in fp32: a small convolution shows whether they do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Callable, ClassVar, Optional, Tuple

from pytest_edgeperf.frameworks.building import built, processor_digest
from pytest_edgeperf.frameworks.interface import Framework, FrameworkError, Model

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_edgeperf.frameworks.interface import Array

PROBED = "probed.json"
CHANNELS = 32


class ProbedFramework(Framework):
    """A runtime whose word for some precisions does not count: a convolution is tried before they are used."""

    #: ``package.module:build_probe``, see :func:`not_computed`.
    probe: ClassVar[str]
    probed_precisions: ClassVar[Tuple[str, ...]] = ("fp16", "bf16")

    def unable(self, precision: str) -> Optional[str]:
        """Why it can run no model at the precision here; for some, a child process tries a convolution."""
        reason = super().unable(precision)
        if reason is not None or precision not in self.probed_precisions or self.version() is None:
            return reason
        return not_computed(self, self.probe, precision)


def not_computed(framework: Framework, function: str, precision: str) -> Optional[str]:
    """Why a runtime computes no convolution in ``precision`` on this CPU, or ``None`` when it does; kept in the cache.

    ``function`` is ``package.module:build_probe``, called as ``build_probe(folder, precision=…)`` in a child process;
    it leaves its answer with :func:`tell_whether_different`.
    """
    version = framework.version()
    try:
        made = built(
            function,
            Model(f"{framework.name}-probe", {}),
            precision,
            tools={framework.name: version},
            arguments={"precision": precision},
            source=processor_digest(),
        )
    except FrameworkError as error:
        return f"{framework.name} could not be tested for {precision} here: {error}"
    if json.loads((made.folder / PROBED).read_text("utf-8"))["differs"]:
        return None
    return (
        f"{framework.name} {version} accepts {precision} on this CPU, but computes convolutions in fp32 "
        "(the outputs are bit-identical)"
    )


def image_and_kernel() -> Tuple[Array, Array]:
    """Seeded float32 arrays for a convolution of 3 by 3: [1, 32, 16, 16] and [32, 32, 3, 3]."""
    import numpy as np

    generator = np.random.default_rng(0)
    return (
        generator.standard_normal((1, CHANNELS, 16, 16)).astype(np.float32),
        generator.standard_normal((CHANNELS, CHANNELS, 3, 3)).astype(np.float32),
    )


def tell_whether_different(folder: Path, precision: str, output: Callable[[str], Array]) -> None:
    """Write whether ``output(precision)`` differs from ``output("fp32")`` in any bit."""
    import numpy as np

    differs = not np.array_equal(output("fp32"), output(precision))
    (folder / PROBED).write_text(json.dumps({"differs": differs}) + "\n", "utf-8")
