"""A run's answer for each example, stored compactly, so that two runs can be compared in pairs.

One value per example is stored as bits (right or wrong) or as 16-bit floats (a score); detections as the matches with
the ground truths that an average precision is computed from. Reading and writing it takes numpy, which is imported
then.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

from .errors import InvalidError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

#: In a run's value of an accuracy: what was answered.
ANSWERS = "answers"
#: Of the answers: what distinguishes them from others.
DIGEST = "digest"

BITS, SCORES, MATCHES = "bits", "float16", "matches"
#: More than any set, and still a number that can be written.
MOST_EXAMPLES = 1e100
#: Deflate packs at most so many bytes into one.
LARGEST_EXPANSION = 1032
#: What is judged by its answers may get worse by this much, in percentage points.
MARGIN_POINTS = 0.5
#: The largest 16-bit float.
LARGEST_SCORE = 65504.0
PERCENT = "%"
#: What of a detection set is averaged over: all its thresholds of overlap, or one of them.
ALL_THRESHOLDS = "all"


@dataclass(frozen=True)
class DetectionSet:
    """The detections of a labelled set, matched with its ground truths: what average precision is computed from.

    The ``D`` detections are sorted by category, and within one from the highest score to the lowest, so that no score
    is needed any more. Detections and ground truths that are to be ignored (crowds, areas out of the range) count
    neither as right nor as wrong.

    Attributes:
        thresholds: [T] least overlaps (intersection over union, or similarity of key points) of a match, rising.
        category: int [D], from 0 to K - 1, rising.
        image: int [D], from 0 to n - 1.
        matched: bool [T, D], whether the detection has a ground truth of its own at the threshold.
        ignored: bool [T, D], whether it counts as nothing at the threshold.
        truths: int [K, n], how many ground truths an image has of a category, without those to be ignored.

    Raises:
        ValueError: the shapes or the order are not those above; the message names what is wrong.
    """

    thresholds: Array
    category: Array
    image: Array
    matched: Array
    ignored: Array
    truths: Array

    def __post_init__(self) -> None:
        import numpy as np

        categories, images = np.shape(self.truths) if np.ndim(self.truths) == 2 else (-1, -1)
        detections = len(self.category)
        table = (len(self.thresholds), detections)
        wrong = None
        if categories < 0:
            wrong = f"truths must be [categories, images], not of shape {np.shape(self.truths)}"
        elif np.shape(self.image) != (detections,):
            wrong = f"image must be of shape {(detections,)} as category is, not {np.shape(self.image)}"
        elif np.shape(self.matched) != table or np.shape(self.ignored) != table:
            wrong = f"matched and ignored must be [thresholds, detections] {table}"
        elif detections and not (min(self.image) >= 0 and max(self.image) < images):
            wrong = f"image must be from 0 to {images - 1}"
        elif detections and not (min(self.category) >= 0 and max(self.category) < categories):
            wrong = f"category must be from 0 to {categories - 1}"
        elif np.any(np.diff(self.category) < 0):
            wrong = "the detections must be sorted by category"
        elif np.any(np.diff(self.thresholds) <= 0):
            wrong = "thresholds must rise"
        elif np.any(np.asarray(self.truths) < 0):
            wrong = "truths must not be negative"
        if wrong is not None:
            raise ValueError(f"this is not a detection set: {wrong}")

    @property
    def images(self) -> int:
        """How many images the set has."""
        return int(self.truths.shape[1])


class Answers(NamedTuple):
    """What a run answered, as it is read back: one value per example, or detections."""

    #: Tells the examples of two runs apart.
    examples: str
    #: Tells the answers of two runs apart.
    digest: str
    #: Of each example, in the order of their ids: bool where it is right, else its score; ``None`` of detections.
    values: Optional[Array] = None
    detections: Optional[DetectionSet] = None


def of_examples(
    per_example: Sequence[Any], example_ids: Optional[Sequence[Any]] = None, scale: float = 1.0
) -> Dict[str, Any]:
    """Store one value per example: ``n``, ``mean`` and the answers.

    Args:
        per_example: [n] of truth values or of scores, in any order where ids are given.
        example_ids: [n], each another; without them an example is its place.
        scale: what the mean is multiplied by, 100 for percent.

    Raises:
        ValueError: no examples, ids that are not one per example, a score that is not finite or too large.
    """
    import numpy as np

    values = np.asarray(per_example)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"an accuracy needs one value per example, not an array of shape {values.shape}")
    if values.dtype.kind not in "biuf":
        raise ValueError(f"an accuracy's values must be booleans or numbers, not {values.dtype}")
    if not np.all(np.abs(values.astype(float)) <= LARGEST_SCORE):
        raise ValueError(f"an accuracy's values must be finite numbers of at most {LARGEST_SCORE:g}")
    examples, order = _examples(len(values), example_ids)
    values = values[order]
    binary = values.dtype == bool
    data = np.packbits(values) if binary else values.astype("<f2")
    stored = {
        "form": BITS if binary else SCORES,
        "examples": examples,
        "data": base64.b64encode(data.tobytes()).decode(),
    }
    return {"n": len(values), "mean": scale * float(values.mean()), ANSWERS: _digested(stored)}


def of_detections(detections: DetectionSet, example_ids: Optional[Sequence[Any]] = None) -> Dict[str, Any]:
    """Store a detection set, without its mean: ``n`` images and the answers.

    Args:
        found: the detections and ground truths of ``n`` images.
        example_ids: [n] names of the images, each another; without them an image is its place.

    Raises:
        ValueError: no images, or ids that are not one per image.
    """
    import numpy as np

    if not detections.images:
        raise ValueError("a detection set needs at least one image")
    examples, order = _examples(detections.images, example_ids)
    place = np.argsort(order)
    categories = len(detections.truths)
    stored = {
        "form": MATCHES,
        "examples": examples,
        "thresholds": [float(overlap) for overlap in detections.thresholds],
        "categories": np.bincount(detections.category, minlength=categories)[:categories].tolist(),
        "image": _packed(place[detections.image].astype("<u4") if len(detections.image) else np.zeros(0, "<u4")),
        "matched": _packed(np.packbits(detections.matched)),
        "ignored": _packed(np.packbits(detections.ignored)),
        "truths": _packed(detections.truths[:, order].astype("<u4")),
    }
    return {"n": detections.images, ANSWERS: _digested(stored)}


def is_accuracy(value: Any) -> bool:
    """Whether a metric's value in a run is an accuracy whose answers are known."""
    # An abstract class is asked last: that takes ten times as long.
    if not (type(value) is dict or isinstance(value, Mapping)):
        return False
    return isinstance(value.get(ANSWERS), Mapping) and isinstance(value.get("mean"), (int, float))


def answers_of(value: Mapping[str, Any]) -> Answers:
    """Read back what :func:`of_examples` or :func:`of_detections` stored.

    Raises:
        ValueError: it is damaged or of a form that is not known; the message says which.
    """
    stored = value[ANSWERS]
    try:
        count = int(value["n"])
        form, examples, digest = str(stored["form"]), str(stored["examples"]), str(stored[DIGEST])
        if form == MATCHES:
            return Answers(examples, digest, detections=_detections(stored, count))
        if form not in (BITS, SCORES):
            raise ValueError(f"the form {form!r} is unknown: it was written by a newer pytest-edgeperf")
        return Answers(examples, digest, values=_values(base64.b64decode(stored["data"], validate=True), form, count))
    except (KeyError, TypeError, OverflowError, binascii.Error, zlib.error) as error:
        raise ValueError(f"its answers are damaged ({type(error).__name__}: {error})") from None


def check_answers(value: Mapping[str, Any]) -> None:
    """Check that the answers in a metric's value are of their types, and of the size that they claim; without numpy.

    Of detections, the packed bytes are not looked into: reading them back does.

    Raises:
        InvalidError: with the place within the value.
    """
    stored = value[ANSWERS]
    if not isinstance(stored, Mapping):
        raise InvalidError("not an object with a digest", [ANSWERS], value=value, definition="summary")
    texts = {"form", "examples", DIGEST, "data", "image", "matched", "ignored", "truths"}
    for name in sorted(texts & {*stored, DIGEST}):
        if not isinstance(stored.get(name), str):
            raise InvalidError("not a string", [ANSWERS, name], value=value, definition="summary")
    count = value.get("n")
    if not isinstance(count, (int, float)) or not 1 <= count <= MOST_EXAMPLES:
        # No number of examples: the check of n says so.
        return
    form = stored.get("form")
    if form in (BITS, SCORES) and "data" in stored:
        size = (count + 7) // 8 if form == BITS else 2 * count
        held = _decoded_size(stored["data"])
        if held != size:
            raise InvalidError(f"{held} bytes of answers instead of {size:g} for n = {count:g}", [ANSWERS, "data"])
    elif form == MATCHES:
        _check_detections(stored, count)


def _check_detections(stored: Mapping[str, Any], images: float) -> None:
    counts, thresholds = stored.get("categories", []), stored.get("thresholds", [])
    if not isinstance(counts, list) or not all(type(count) is int and count >= 0 for count in counts):
        raise InvalidError("not a list of how many detections each category has", [ANSWERS, "categories"])
    if not isinstance(thresholds, list) or not all(type(overlap) in (int, float) for overlap in thresholds):
        raise InvalidError("not a list of numbers", [ANSWERS, "thresholds"])
    sizes = {
        "truths": 4 * len(counts) * images,
        "image": 4 * sum(counts),
        "matched": len(thresholds) * sum(counts) // 8,
    }
    for name, size in sizes.items():
        text = stored.get(name)
        if isinstance(text, str) and size > LARGEST_EXPANSION * len(text) + len(text):
            raise InvalidError(f"{len(text)} characters are too few for its detections", [ANSWERS, name])


def _decoded_size(text: str) -> int:
    """Bytes that a text of base64 holds."""
    return len(text) // 4 * 3 - len(text[-2:]) + len(text[-2:].rstrip("="))


def without_repeats(runs: Sequence[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """Runs as a file has them: answers that an earlier run gave already are only named by their digest."""
    known: Set[str] = set()
    kept: List[Dict[str, Any]] = []
    for run in runs:
        written = dict(run)
        for name in sorted(run):
            value = run[name]
            if not is_accuracy(value) or len(value[ANSWERS]) == 1:
                continue
            digest = value[ANSWERS].get(DIGEST)
            if digest in known:
                written[name] = {**value, ANSWERS: {DIGEST: digest}}
            known.add(digest)
        kept.append(written)
    return kept


def with_repeats(runs: Sequence[Mapping[str, Any]], names: Sequence[str]) -> List[Dict[str, Any]]:
    """The inverse of :func:`without_repeats`, for the metrics of these names; what is given is not changed.

    Raises:
        InvalidError: a digest names answers that no earlier run gave.
    """
    known: Dict[Any, Any] = {}
    whole: List[Dict[str, Any]] = []
    for place, run in enumerate(runs):
        read = dict(run)
        for name in sorted(names):
            value = run.get(name)
            if value is None or not is_accuracy(value):
                continue
            digest = value[ANSWERS].get(DIGEST)
            if not isinstance(digest, str):
                raise InvalidError(f"{digest!r:.40} instead of a string", [place, name, ANSWERS, DIGEST])
            if len(value[ANSWERS]) > 1:
                known.setdefault(digest, value[ANSWERS])
            elif digest not in known:
                raise InvalidError(f"no earlier run has its answers {digest!r}", [place, name, ANSWERS])
            read[name] = {**value, ANSWERS: known[digest]}
        whole.append(read)
    return whole


def _examples(count: int, ids: Optional[Sequence[Any]]) -> Tuple[str, List[int]]:
    """What distinguishes this set of examples from another, and their order by id."""
    if ids is None:
        return _hash(f"0 to {count - 1}".encode()), list(range(count))
    named = [str(example_id) for example_id in ids]
    if len(named) != count:
        raise ValueError(f"there are {len(named)} example ids for {count} examples")
    if len(set(named)) != count:
        twice = next(example_id for place, example_id in enumerate(named) if example_id in named[:place])
        raise ValueError(f"the example id {twice!r} is not unique")
    order = sorted(range(count), key=named.__getitem__)
    return _hash("\n".join(named[place] for place in order).encode()), order


def _values(data: bytes, form: str, count: int) -> Array:
    import numpy as np

    expected = math.ceil(count / 8) if form == BITS else 2 * count
    if len(data) != expected:
        raise ValueError(f"its answers are damaged ({len(data)} bytes for {count} examples)")
    if form == BITS:
        return np.unpackbits(np.frombuffer(data, np.uint8), count=count).astype(bool)
    return np.frombuffer(data, "<f2").astype(np.float64)


def _detections(stored: Mapping[str, Any], images: int) -> DetectionSet:
    import numpy as np

    thresholds = np.array([float(overlap) for overlap in stored["thresholds"]])
    counts = np.array([int(count) for count in stored["categories"]], np.int64)
    if np.any(counts < 0):
        raise ValueError("its answers are damaged (a category has less than no detection)")
    detections = int(counts.sum())
    flags = math.ceil(len(thresholds) * detections / 8)
    table = (len(thresholds), detections)

    def bits(name: str) -> Array:
        packed = np.frombuffer(_unpacked(stored[name], flags), np.uint8)
        return np.unpackbits(packed, count=table[0] * table[1]).astype(bool).reshape(table)

    # Their sizes are checked before anything of this size is made.
    truths = np.frombuffer(_unpacked(stored["truths"], 4 * len(counts) * images), "<u4")
    image = np.frombuffer(_unpacked(stored["image"], 4 * detections), "<u4").astype(np.int64)
    return DetectionSet(
        thresholds,
        np.repeat(np.arange(len(counts)), counts),
        image,
        bits("matched"),
        bits("ignored"),
        truths.astype(np.int64).reshape(len(counts), images),
    )


def _digested(stored: Dict[str, Any]) -> Dict[str, Any]:
    return {**stored, DIGEST: _hash(repr(sorted(stored.items())).encode())}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _packed(array: Array) -> str:
    return base64.b64encode(zlib.compress(array.tobytes(), 9)).decode()


def _unpacked(text: str, size: int) -> bytes:
    """The bytes that were packed, of a size that is known: a damaged file must not fill the memory."""
    if size > LARGEST_EXPANSION * len(text) + len(text):
        raise ValueError(f"its answers are damaged ({len(text)} signs cannot hold {size} bytes)")
    data = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), size + 1)
    if len(data) != size:
        raise ValueError(f"its answers are damaged ({len(data)} bytes instead of {size})")
    return data
