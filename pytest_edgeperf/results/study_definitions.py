"""Studies: benchmarks read together as series over a coordinate, and the published lines beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any, Dict, Iterable, Mapping, Optional, Tuple

from .errors import InvalidError, phrase
from .misspellings import refuse_misspelt

SLOPE = "slope"
INTERCEPT = "intercept"
#: What of a series' line may decide in a check.
GATES = (SLOPE, INTERCEPT)
#: In a pair of series: any text.
ANY = "*"


@dataclass(frozen=True)
class ReferenceLine:
    """A published line ``metric = slope * x + intercept`` on ``[x_from, x_to]`` (open where ``None``).

    ``source`` begins with the paper's name, by which ``--edgeperf-published`` selects it. ``note`` says what a reader
    must know of it, such as a misprint.
    """

    series: str
    metric: str
    slope: float
    intercept: float
    unit: str
    source: str
    x_from: Optional[float] = None
    x_to: Optional[float] = None
    note: str = ""
    #: Fields of a results file that this version does not know.
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: a number is missing or not finite, or a name is no text; the message names the field.
        """
        for name in ("slope", "intercept", "x_from", "x_to"):
            value = getattr(self, name)
            open_end = value is None and name.startswith("x_")
            if not open_end and not (isinstance(value, (int, float)) and math.isfinite(value)):
                raise ValueError(f"a reference's {name} is {value!r} instead of a finite number")
        for name in ("series", "metric", "unit", "source", "note"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"a reference's {name} is {getattr(self, name)!r} instead of a string")

    def to_dict(self) -> Dict[str, Any]:
        """As stored in a study under ``references``; an open end is left out, and an empty note."""
        known = {name: getattr(self, name) for name in _LINE_FIELDS}
        return {**self.extra, **{name: value for name, value in known.items() if value not in (None, "")}}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> ReferenceLine:
        """Read what :meth:`to_dict` gave; other fields are kept in ``extra``.

        Raises:
            TypeError: a field is missing.
            ValueError: a value is none; the message names the field.
        """
        extra = {name: value for name, value in stored.items() if name not in _LINE_FIELDS}
        _refuse(extra, stored, _LINE_FIELDS)
        return cls(extra=extra, **{name: stored[name] for name in _LINE_FIELDS if name in stored})


@dataclass(frozen=True)
class ReferenceRatio:
    """A published ratio: how many times better ``series`` is than ``over`` in a metric, at the point of that label.

    ``source`` begins with the paper's name. ``note`` says what a reader must know of it, such as a misprint.
    """

    series: str
    over: str
    metric: str
    label: str
    value: float
    source: str
    note: str = ""
    #: Fields of a results file that this version does not know.
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: the ratio is no number above 0, or a name is no text; the message names the field.
        """
        if not (isinstance(self.value, (int, float)) and math.isfinite(self.value) and self.value > 0):
            raise ValueError(f"a published ratio is {self.value!r} instead of a number above 0")
        for name in ("series", "over", "metric", "label", "source", "note"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"a published ratio's {name} is {getattr(self, name)!r} instead of a string")

    def to_dict(self) -> Dict[str, Any]:
        """As stored in a study under ``published_ratios``; an empty note is left out."""
        known = {name: getattr(self, name) for name in _RATIO_FIELDS}
        return {**self.extra, **{name: value for name, value in known.items() if name != "note" or value}}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> ReferenceRatio:
        """Read what :meth:`to_dict` gave; other fields are kept in ``extra``.

        Raises:
            TypeError: a field is missing.
            ValueError: a value is none; the message names the field.
        """
        extra = {name: value for name, value in stored.items() if name not in _RATIO_FIELDS}
        _refuse(extra, stored, _RATIO_FIELDS)
        return cls(extra=extra, **{name: stored[name] for name in _RATIO_FIELDS if name in stored})


@dataclass(frozen=True)
class Study:
    """A named experiment: what its coordinate is, what is read from it, and what was published.

    Attributes:
        metrics: read as the median over runs of a summary's ``p50``, or of a number; ``"postprocess/infer"`` is the
            quotient of two metrics of one run, ``"infer_sd"`` and ``"infer_cv"`` are the standard deviation and the
            coefficient of variation (in percent) of a metric's samples, ``"throughput"``, where it was not measured,
            is 1 over the latency, and ``"flop_rate"`` the model's operations over the time of an inference. Each
            is fitted with a line per series.
        lines: without them the values are shown, one per coordinate.
        pieces: into how many lines a series is cut where it has three coordinates for each of them; ``None`` finds
            the number, and breaks only what one line does not explain; 1 never breaks.
        ratios: pairs of series, of which the first is reported as how many times better than the second at each
            coordinate. A ``*`` stands for any text, the same in both: ``("*", "torch")``, ``("* fp16", "*")``.
        published_ratios: shown beside the ratios of the points whose label they have.
        ranking: order the series at each coordinate; of points that have labels, by the first metric.
        shares: metrics that are parts of ``whole``, reported as shares of it at each coordinate.
        gate: ``"slope"``, ``"intercept"``: what of each series' line fails a check that finds it worse than the
            baseline's by more than the tolerance; the last test of the series fails. Lines of sizes, of quotients and
            of metrics of which more is better do not gate, and ``--against`` asks about no line.
        pareto: pairs (cost, gain) of metrics, ``("latency", "AP")`` say, or quotients: which benchmarks give the most
            for their cost, and by which the others are dominated.
    """

    name: str
    x: str
    x_unit: str
    metrics: Tuple[str, ...] = ("latency", "memory_process_peak")
    references: Tuple[ReferenceLine, ...] = ()
    lines: bool = True
    pieces: Optional[int] = None
    ratios: Tuple[Tuple[str, str], ...] = ()
    published_ratios: Tuple[ReferenceRatio, ...] = ()
    ranking: bool = False
    shares: Tuple[str, ...] = ()
    whole: str = "latency"
    gate: Tuple[str, ...] = ()
    pareto: Tuple[Tuple[str, str], ...] = ()
    #: Fields of a results file that this version does not know.
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: ``pieces``, a pair of ``ratios`` or ``pareto`` or a word of ``gate`` is invalid; the message
                names it.
        """
        whole_number = isinstance(self.pieces, int) and not isinstance(self.pieces, bool)
        if self.pieces is not None and not (whole_number and self.pieces > 0):
            raise ValueError(f"pieces is {self.pieces!r}; give a number of at least 1, or None to find it")
        for name in ("metrics", "shares", "gate"):
            words = getattr(self, name)
            if isinstance(words, str) or not all(isinstance(word, str) for word in words):
                raise ValueError(f"{name} is {words!r} instead of a tuple of names")
        for pair in self.ratios:
            if not _is_pair(pair):
                raise ValueError(
                    f"ratios has {pair!r} instead of two series, such as ('*', 'torch') or ('* fp16', '*')"
                )
        for word in self.gate:
            if word not in GATES:
                raise ValueError(f"gate has {word!r}; a line has a {' and an '.join(GATES)}")
        for pair in self.pareto:
            if not _is_cost_and_gain(pair):
                raise ValueError(f"pareto has {pair!r} instead of two metrics (cost, gain), such as ('latency', 'AP')")

    def to_dict(self) -> Dict[str, Any]:
        """As stored in a results file under ``studies.<name>``; defaults are left out."""
        stored: Dict[str, Any] = {
            **self.extra,
            "x": self.x,
            "x_unit": self.x_unit,
            "metrics": list(self.metrics),
            "references": [line.to_dict() for line in self.references],
        }
        if not self.lines:
            stored["lines"] = False
        if self.pieces is not None:
            stored["pieces"] = self.pieces
        if self.ratios:
            stored["ratios"] = [list(pair) for pair in self.ratios]
        if self.published_ratios:
            stored["published_ratios"] = [ratio.to_dict() for ratio in self.published_ratios]
        if self.ranking:
            stored["ranking"] = True
        if self.shares:
            stored["shares"] = list(self.shares)
            stored["whole"] = self.whole
        if self.gate:
            stored["gate"] = list(self.gate)
        if self.pareto:
            stored["pareto"] = [list(pair) for pair in self.pareto]
        return stored

    @classmethod
    def from_dict(cls, name: str, stored: Mapping[str, Any]) -> Study:
        """Read what :meth:`to_dict` gave.

        Raises:
            ValueError: the stored value is not a study; the message says why.
        """
        try:
            return cls._read(name, stored)
        except KeyError as error:
            raise ValueError(f"{error} is missing") from None
        except (TypeError, AttributeError) as error:
            raise ValueError(str(error)) from None

    @classmethod
    def _read(cls, name: str, stored: Mapping[str, Any]) -> Study:
        extra = {key: value for key, value in stored.items() if key not in _STUDY_FIELDS}
        _refuse(extra, stored, _STUDY_FIELDS)
        return cls(
            name=name,
            x=str(stored["x"]),
            x_unit=str(stored["x_unit"]),
            metrics=_tuple(stored["metrics"]),
            references=tuple(map(ReferenceLine.from_dict, stored.get("references", ()))),
            lines=stored.get("lines", True) is not False,
            pieces=stored.get("pieces"),
            ratios=tuple(_tuple(pair) for pair in stored.get("ratios", ())),
            published_ratios=tuple(map(ReferenceRatio.from_dict, stored.get("published_ratios", ()))),
            ranking=stored.get("ranking", False) is True,
            shares=_tuple(stored.get("shares", ())),
            whole=str(stored.get("whole", "latency")),
            gate=_tuple(stored.get("gate", ())),
            pareto=tuple(_tuple(pair) for pair in stored.get("pareto", ())),
            extra=extra,
        )


_LINE_FIELDS = tuple(field.name for field in fields(ReferenceLine) if field.name != "extra")
_RATIO_FIELDS = tuple(field.name for field in fields(ReferenceRatio) if field.name != "extra")
_STUDY_FIELDS = tuple(field.name for field in fields(Study) if field.name not in ("name", "extra"))


def _refuse(extra: Mapping[str, Any], stored: Mapping[str, Any], known: Iterable[str]) -> None:
    try:
        refuse_misspelt(extra, [name for name in known if name not in stored])
    except InvalidError as error:
        raise ValueError(phrase(error)) from None


def _is_pair(pair: Any) -> bool:
    """Whether it is two series, of which the second takes a text from the first."""
    if isinstance(pair, str) or len(pair) != 2 or not all(isinstance(series, str) for series in pair):
        return False
    first, second = str(pair[0]).count(ANY), str(pair[1]).count(ANY)
    return second <= first <= 1


def _is_cost_and_gain(pair: Any) -> bool:
    names = isinstance(pair, tuple) and all(isinstance(name, str) and name for name in pair)
    return names and len(pair) == len(set(pair)) == 2


def _tuple(stored: Any) -> Any:
    """A list as a tuple; a text stays, to be refused as one."""
    return stored if isinstance(stored, str) else tuple(stored)


@dataclass(frozen=True)
class Place:
    """Where a benchmark stands in a study: its series (a framework, say), its coordinate, and what is there.

    A label (a network, say) is what the point is called where the coordinate alone does not tell.
    """

    study: str
    series: str
    x: float
    label: str = ""
    #: Fields of a results file that this version does not know.
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def to_dict(self) -> Dict[str, Any]:
        """As stored in a benchmark under ``study``."""
        stored = {**self.extra, "name": self.study, "series": self.series, "x": self.x}
        return {**stored, "label": self.label} if self.label else stored

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Place:
        """Read what :meth:`to_dict` gave.

        Raises:
            ValueError: the stored value is not a place; the message says why.
        """
        try:
            extra = {key: value for key, value in stored.items() if key not in ("name", "series", "x", "label")}
            place = cls(
                study=str(stored["name"]),
                series=str(stored["series"]),
                x=float(stored["x"]),
                label=str(stored.get("label", "")),
                extra=extra,
            )
        except KeyError as error:
            raise ValueError(f"{error} is missing") from None
        except (TypeError, AttributeError, OverflowError) as error:
            raise ValueError(str(error)) from None
        if not math.isfinite(place.x):
            raise ValueError(f"x is {place.x!r} instead of a finite number")
        return place
