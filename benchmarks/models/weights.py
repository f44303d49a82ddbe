"""Seeded weights with settled statistics, and the counting of parameters and operations. Needs torch.

A network with random weights is as slow as a trained one, but in evaluation mode with untouched
batch-norm statistics its activations explode or vanish, and comparing outputs says nothing. One pass
in training mode with a cumulative average gives it the statistics of its inputs.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Callable, Dict, Iterator, List, Sequence, Tuple, Union

import numpy as np
import torch
from torch import nn

#: Batch normalisation of maps, of clips and of vectors.
NORMS = (nn.BatchNorm2d, nn.BatchNorm3d, nn.BatchNorm1d)
Norm = Union[nn.BatchNorm2d, nn.BatchNorm3d, nn.BatchNorm1d]
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Torch's generator at ``seed`` and one thread, so that sums have one order; both restored after."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)


def settle(network: nn.Module, inputs: Sequence[np.ndarray]) -> torch.Tensor:
    """Set every batch-norm's statistics to those of ``inputs``, and leave the network in evaluation mode.

    Returns:
        the inputs as one batch, for what else is to be fitted to them.
    """
    batch = torch.from_numpy(np.concatenate(inputs))
    # the norms alone are trained: what drops values at random, or runs in training only, is left out
    network.eval()
    for norm in _norms(network):
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    with torch.no_grad():
        network(batch)
    network.eval()
    return batch


def he_normal(network: nn.Module) -> None:
    """Give convolutions, transposed ones and linear layers He's normal weights, and no biases."""
    for module in network.modules():
        if isinstance(module, (*CONVOLUTIONS, *TRANSPOSED, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def with_settled_weights(make: Callable[[], nn.Module], seed: int, inputs: Sequence[np.ndarray]) -> nn.Module:
    """The network in evaluation mode with seeded weights (He's normal ones) and statistics settled on ``inputs``."""
    with seeded(seed):
        made = make()
        he_normal(made)
        settle(made, inputs)
    return made


#: Of a layer's mean variance.
LEAST_VARIANCE = 0.3


def hold_variances(network: nn.Module) -> None:
    """Raise the small variances of a settled network.

    A channel that hardly varies on the settling inputs (dead but for a few cells, or of a map that has only a few) is
    divided by next to nothing, and its rounding errors at 16 bits become the largest outputs. A trained one has none.
    """
    for norm in _norms(network):
        variance = norm.running_var
        assert variance is not None
        variance.clamp_(min=LEAST_VARIANCE * float(variance.mean()))


def open_rectifiers(network: nn.Module) -> None:
    """Shift the norms of a network that has not been settled, so that their rectifiers are mostly open.

    In a deep chain of rectifiers that are closed half of the time, rounding errors at 16 bits grow from layer to layer
    until nothing of the output is left. In a trained network they do not.
    """
    for norm in _norms(network):
        nn.init.ones_(norm.bias)


def _norms(network: nn.Module) -> List[Norm]:
    return [module for module in network.modules() if isinstance(module, NORMS)]


def figures(network: nn.Module, shape: Tuple[int, ...]) -> Dict[str, int]:
    """``parameters``, ``multiply_accumulates`` and ``flops`` (two per multiply-accumulate) of one inference.

    Counted by forward hooks on convolutions, transposed ones and linear layers, without biases, norms, activations
    and pooling: Darknet's convention, and that of the published BFLOPs.
    """
    counts: List[int] = []

    def count(module: nn.Module, inputs: Tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        weight = module.weight
        assert isinstance(weight, torch.Tensor)
        # each value of the output is a sum over a filter; of a transposed convolution each of the input goes into one
        values = inputs[0] if isinstance(module, TRANSPOSED) else output
        counts.append(values.numel() * weight[0].numel())

    kinds = (*CONVOLUTIONS, *TRANSPOSED, nn.Linear)
    counted = [module for module in network.modules() if isinstance(module, kinds)]
    hooks = [module.register_forward_hook(count) for module in counted]
    try:
        with torch.no_grad():
            network(torch.zeros(shape, device=next(network.parameters()).device))
    finally:
        for hook in hooks:
            hook.remove()
    return {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "multiply_accumulates": sum(counts),
        "flops": 2 * sum(counts),
    }


def unseeded_figures(make: Callable[[], nn.Module], shape: Tuple[int, ...]) -> Dict[str, int]:
    """The figures of a network that is made and run on the meta device: shapes only, no arithmetic."""
    with torch.device("meta"):
        return figures(make().eval(), shape)
