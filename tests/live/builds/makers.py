"""Builds of the same source: compiled code whose functions lie elsewhere, a network exported or quantised once more."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

#: Plain C as post-processing has it; each function stands for a file of a larger library.
FUNCTIONS = (
    """
void letterbox(const unsigned char *image, float *out, int side, int width, int height) {
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            int from = (y * height / side) * width + x * width / side;
            for (int c = 0; c < 3; c++) out[(c * side + y) * side + x] = image[from * 3 + c] / 255.0f;
        }
}
""",
    """
static float overlap(const float *a, const float *b) {
    float left = a[0] > b[0] ? a[0] : b[0], top = a[1] > b[1] ? a[1] : b[1];
    float right = a[2] < b[2] ? a[2] : b[2], bottom = a[3] < b[3] ? a[3] : b[3];
    if (right <= left || bottom <= top) return 0;
    float both = (right - left) * (bottom - top);
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both);
}
int suppress(const float *boxes, unsigned char *kept, int count, float limit) {
    int left = 0;
    for (int i = 0; i < count; i++) {
        kept[i] = 1;
        for (int j = 0; j < i && kept[i]; j++)
            if (kept[j] && overlap(boxes + 4 * i, boxes + 4 * j) > limit) kept[i] = 0;
        left += kept[i];
    }
    return left;
}
""",
    """
float decode(const float *logits, int count, int classes, int *best) {
    float total = 0;
    for (int i = 0; i < count; i++) {
        int top = 0;
        for (int c = 1; c < classes; c++)
            if (logits[i * classes + c] > logits[i * classes + top]) top = c;
        best[i] = top;
        total += logits[i * classes + top];
    }
    return total;
}
""",
)
SPARE = """
int spare_{number}(int x) {{
    volatile int y = x;
    for (int i = 0; i < {length}; i++) y += i * x;
    {more}
    return y;
}}
"""
MOST_SPARE = 40


def _seed(version: int) -> int:
    return 1000 * version + int(os.environ["EDGEPERF_BUILD"])


def kernels(folder: Path, version: int) -> None:
    """A shared library of the same functions in another order, between others that are never called."""
    dice = random.Random(_seed(version))
    parts = list(FUNCTIONS)
    dice.shuffle(parts)
    source = ""
    for number, part in enumerate(parts):
        more = "y ^= x * 3;" * dice.randrange(MOST_SPARE)
        source += SPARE.format(number=number, length=dice.randrange(2, 9), more=more) + part
    (folder / "kernels.c").write_text(source)
    command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(folder / "kernels.so"), str(folder / "kernels.c")]
    subprocess.run(command, check=True)


def exported(folder: Path, version: int) -> None:
    """MobileNetV2 exported to ONNX once more."""
    os.environ["EDGEPERF_CACHE_DIR"] = str(folder / "cache")
    from models import export
    from models.networks import known

    export.export(known("mobilenetv2"), 128)
    shutil.move(str(next((folder / "cache").rglob("*.onnx"))), str(folder / "model.onnx"))
    shutil.rmtree(folder / "cache")


def quantised(folder: Path, version: int) -> None:
    """The same network quantised to 8 bits once more, with the same two examples."""
    import numpy as np

    from pytest_edgeperf.frameworks.onnxruntime import conversion

    source = folder / "source"
    source.mkdir()
    exported(source, version)
    examples = np.random.default_rng(0).normal(0, 1, (2, 1, 3, 128, 128)).astype(np.float32)
    np.savez(source / "calibration.npz", **{f"{number}_0": one for number, one in enumerate(examples)})
    conversion.build_int8(folder, str(source / "model.onnx"), ["images"], str(source / "calibration.npz"))
    shutil.rmtree(source)
