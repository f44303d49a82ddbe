"""Which papers measured a network, at which inputs, and what they print beside it."""

from __future__ import annotations

from typing import Mapping, Optional, Tuple

from papers import hadidi_2019, swaminathan_2024, trinh_2023

_HADIDI = tuple(dict.fromkeys(network for network, _ in hadidi_2019.FLOP_PER_PARAMETER))
#: Paper -> the networks that it measured.
NETWORKS: Mapping[str, Tuple[str, ...]] = {
    "swaminathan-2024": (*swaminathan_2024.CLASSIFIERS, *swaminathan_2024.ACTION_NETWORKS),
    "trinh-2023": (
        *trinh_2023.CLASSIFIERS,
        *trinh_2023.DEEP_CLASSIFIERS,
        *trinh_2023.DETECTORS,
        *trinh_2023.SLOW_DETECTORS,
    ),
    "hadidi-2019": _HADIDI,
}


def measured_by(network: str) -> Tuple[str, ...]:
    """The papers that measured it; none for a network of ours."""
    return tuple(paper for paper, networks in NETWORKS.items() if network in networks)


def printed_sides(network: str) -> Tuple[int, ...]:
    """Sides of the square inputs that hadidi-2019 prints, the only paper with other inputs than a network's usual."""
    inputs = (side for name, side in hadidi_2019.FLOP_PER_PARAMETER if name == network)
    return tuple(side for side in inputs if isinstance(side, int))


def layers(network: str) -> int:
    """As trinh-2023 counts them (table 4.10); 0 where it does not."""
    return trinh_2023.TABLE_4_10[network][2] if network in trinh_2023.TABLE_4_10 else 0


def label_of(network: str, resolution: Optional[int] = None) -> str:
    """What a network is called in a study, with the resolution where it is not its own, and its layers if printed."""
    counted = f", {layers(network)} layers" if layers(network) else ""
    return f"{network}{counted}" if resolution is None else f"{network} at {resolution}{counted}"
