"""What is wrong with published figures: the papers' misprints and contradictions, each with its arithmetic.

The numbers come from ``baselines/published``. A remark of figures that stand in the tables is also their ``note``
there, which reports show. ``published_page.py`` makes docs/published.md of them.
"""

from __future__ import annotations

from math import prod
from statistics import mean
from typing import Callable, Dict, List, Sequence, Tuple

from published_numbers import Figure, Figures, Remark, line

#: Formula (3) of suo-2021: ms over BFLOPs.
FORMULA_3 = (5.32, 37.62)


def _suo(figures: Figures) -> List[Remark]:
    paper = "suo-2021"
    table = {
        metric: {int(one.parameters["resolution"]): one.value for one in figures.of(paper, table="I", metric=metric)}
        for metric in ("flops", "infer", "postprocess")
    }
    flops, forward, post = (table[metric] for metric in ("flops", "infer", "postprocess"))
    times = {flops[side]: forward[side] + post[side] for side in flops}
    points = sorted(times.items())
    second, third = line(points[4:7]), line(points[7:])
    whole = line(points)
    growth = line([(flops[side], forward[side]) for side in flops])
    at_320 = FORMULA_3[0] * flops[320] + FORMULA_3[1]
    share = 256 / 416
    by_formula = (FORMULA_3[0] * flops[416] * share + FORMULA_3[1]) / (FORMULA_3[0] * flops[416] + FORMULA_3[1])
    fps = figures.of(paper, table="text", metric="throughput", resolution=320)
    memory = figures.of(paper, table="text", device="nano", framework="tensorrt", metric="memory_system_peak")
    stable, at_least = max(one.value for one in memory), memory.value(paper, resolution=320)
    on_nx = figures.of(paper, device="xavier-nx", metric="memory_system_peak")
    least, most = sorted(one.value for one in on_nx)
    return [
        Remark(
            paper,
            "formula (2)",
            "430.06 and -116.07 ms, the intercepts of the second and third piece",
            f"lines through table I's points of these pieces: {second[0]:.2f} C + {second[1]:.2f} and {third[0]:.2f} C "
            f"- {-third[1]:.2f} ms; 430.06 is one digit off 420.06",
        ),
        Remark(
            paper,
            "observation 1",
            "the longest end-to-end time of PyTorch is at 87.68 BFLOPs",
            f"table I, forward and post-processing: {times[87.68]:.2f} ms at 87.68, but {times[155.89]:.2f} at "
            f"155.89 and {times[171.86]:.2f} at 171.86: a local peak",
            "said to be the longest time, but 640*640 and 672*672 take longer",
            tuple(figures.of(paper, table="I", metric="postprocess", resolution=480)),
        ),
        Remark(
            paper,
            "observation 3",
            "the forward time does not grow with the complexity",
            f"{forward[320]} to {forward[672]} ms, {forward[672] / forward[320] - 1:+.1%}, while the complexity grows "
            f"{flops[672] / flops[320]:.2f} times; a line explains {growth[2]:.2f} of the variance",
            "said not to grow, but it is 19.6 % above that of 320*320",
            tuple(figures.of(paper, table="I", metric="infer", resolution=672)),
        ),
        Remark(
            paper,
            "insight 1",
            "TensorRT has the smallest a (5.32 ms a BFLOP) and b (37.62 ms)",
            f"a is smallest only against the pieces of PyTorch ({second[0]:.2f}, {third[0]:.2f}, "
            f"{line(points[:4])[0]:.2f}): one line through all of table I has {whole[0]:.2f}; the third piece's b, "
            f"{third[1]:.2f}, is below 37.62",
        ),
        Remark(
            paper,
            "section IV-A, insight 2",
            f"TensorRT's memory is stable at {stable:g} MB",
            f"observation 6 has {at_least:g} MB at 320*320, {1 - at_least / stable:.0%} less",
            "said to be stable over the resolutions at 1378 MB, beside 1027 MB at 320*320",
            tuple(memory.of(paper, precision="fp32")) + tuple(one for one in memory if one.value == stable),
        ),
        Remark(
            paper,
            "section IV-D",
            "TensorRT's memory on a Xavier NX is relatively stable, between 800 and 1600 MB",
            f"{most:g} is {most / least:g} times {least:g}",
            "called relatively stable, from 800 to 1600 MB",
            tuple(on_nx),
        ),
        Remark(
            paper,
            "section V-B",
            "416*256 takes 41 % of the time of 416*416",
            f"it has {share:.1%} of the pixels, and formula (3) gives {by_formula:.1%} of the time; 41 % less, 59 %, "
            "may be meant",
            "416*256 has 61.5 % of the pixels, and formula (3) gives 65.3 % of the time; 41 % less may be meant",
            tuple(figures.of(paper, metric="share", scaling="16:9")),
        ),
        Remark(
            paper,
            "observation 6",
            "3.9 FPS at 320*320 in TensorRT",
            f"formula (3): {FORMULA_3[0]} * {flops[320]} + {FORMULA_3[1]} = {at_320:.1f} ms, {1000 / at_320:.2f} FPS",
            "formula (3) gives 4.08 FPS",
            tuple(fps),
        ),
    ]


def _mishra(figures: Figures) -> List[Remark]:
    paper = "mishra-2021"
    fps = {str(one.parameters["level"]): one.value for one in figures.of(paper, metric="throughput", network="ssd300")}
    first, cpu, batches = fps["baseline"], fps["cpu-postprocessing"], fps["batches"]
    return [
        Remark(
            paper,
            "section 2.2.2",
            "68 % in all",
            f"{first} to {batches} FPS is {batches / first - 1:.0%}; 68 % is {cpu} to {batches} FPS "
            f"({batches / cpu - 1:.2%}), levels 2 and 3",
            "1.09 to 2.57 FPS is 136 %; 68 % is 1.53 to 2.57",
            tuple(figures.of(paper, metric="improvement", part="overall")),
        )
    ]


def _swaminathan(figures: Figures) -> List[Remark]:
    paper = "swaminathan-2024"
    rows: Dict[Tuple[str, str], Dict[str, float]] = {}
    for one in figures.of(paper, table="1"):
        rows.setdefault((str(one.parameters["network"]), str(one.source["row"])), {})[str(one.source["column"])] = (
            one.value
        )
    ratios = {key: row["Pre-Opt. Time (s)"] / row["Post-Opt. Time (s)"] for key, row in rows.items()}
    speedups = {key: row["Inference Time Speed up"] for key, row in rows.items()}
    remarks = []
    for metric, column in (("time_ratio", "Pre/Post Time Ratio"), ("speedup", "Inference Time Speed up")):
        for (network, called), row in rows.items():
            ratio = ratios[network, called]
            if column in row and abs(row[column] / ratio - 1) > 0.01:
                before, after = row["Pre-Opt. Time (s)"], row["Post-Opt. Time (s)"]
                remarks.append(
                    Remark(
                        paper,
                        f'table 1, {called}, "{column}"',
                        f"{row[column]:g}",
                        f"{before:g} s / {after:g} s = {ratio:.2f}",
                        f"the printed times give {ratio:.2f}",
                        tuple(figures.of(paper, table="1", metric=metric, network=network)),
                    )
                )
    average, geometric = mean(ratios.values()), prod(ratios.values()) ** (1 / len(ratios))
    sums = [sum(row[column] for row in rows.values()) for column in ("Pre-Opt. Time (s)", "Post-Opt. Time (s)")]
    printed = figures.of(paper, table="text", metric="speedup")
    improvement = figures.of(paper, table="text", metric="improvement")
    found = rows["resnext50-32x4d", "ResNet V2"]["Trainable Params"]
    return [
        *remarks,
        Remark(
            paper,
            "section 5",
            f"{printed[0].value:g} times faster on the average",
            f"the mean of the column is {mean(speedups.values()):.2f}, of the times' ratios {average:.2f} (geometric "
            f"{geometric:.2f}), and the sums of all times give {sums[0] / sums[1]:.2f}",
            "the column's mean is 7.06, that of the times' ratios 7.07; the abstract says 16.11 %",
            tuple(printed),
        ),
        Remark(
            paper,
            "abstract",
            "16.11 % on the average",
            f"{average:.2f} times as fast is {average - 1:.0%} more in a time, or {1 - 1 / average:.0%} less time: "
            "16.11 % follows from neither",
            "it follows from no figure; section 5 says 7.011 times",
            tuple(improvement),
        ),
        Remark(
            paper,
            "table 1, ResNet V2",
            f"{found:,.0f} parameters",
            "torchvision's ResNeXt-50 32x4d has 25,028,904, a ResNet-50 with pre-activation 25.55 M; so it is shown as "
            "resnext50-32x4d",
            "it has the parameters of ResNeXt-50 32x4d, and is shown as this",
            tuple(figures.of(paper, table="1", network="resnext50-32x4d")),
        ),
        Remark(
            paper,
            "table 1, parameters",
            "heads of 2 or 4 classes in the text",
            f"VGG has {rows['vgg19', 'VGG']['Trainable Params']:,.0f}, which are those of VGG-19 with 1000 classes; so "
            "have ResNet, SqueezeNet, DenseNet, ShuffleNet and MobileNet",
        ),
    ]


def _trinh(figures: Figures) -> List[Remark]:
    paper = "trinh-2023"
    differing, worst = [], []
    phases = ("preprocess", "infer", "postprocess")
    for table in [f"4.{number}" for number in range(1, 22) if number != 10]:
        rows: Dict[str, Dict[str, Figure]] = {}
        for one in figures.of(paper, table=table):
            rows.setdefault(str(one.source["row"]), {})[one.metric] = one
        for called, row in rows.items():
            total = sum(row[phase].value for phase in phases)
            off = row["throughput"].value * total / 1000 - 1
            (worst if abs(off) > 0.2 else differing if abs(off) > 0.03 else []).append((table, called, total, off, row))
    ((_, called, total, _, shufflenet),) = worst
    sides = {"yolov5n6": "yolov5n", "yolov5s6": "yolov5s"}
    tables = tuple(f"4.{number}" for number in range(11, 19))
    doubtful = figures.of(paper, table=tables, network=tuple(sides))
    times = [
        one.value
        / figures.value(paper, table=one.source["table"], metric="infer", network=sides[one.parameters["network"]])
        for one in doubtful
        if one.metric == "infer"
    ]
    alexnet = figures.of(paper, table="3.2", metric="flops", network="alexnet")
    counted = figures.value("hadidi-2019", metric="flops", network="alexnet")
    s6, s = (figures.of(paper, table="3.2", metric="flops", network=name) for name in ("yolov5s6", "yolov5s"))
    mixed = figures.value(paper, table="3.2", metric="flops", network="resnet18")
    darknet = figures.value(paper, table="3.2", metric="flops", network="yolov3-tiny")
    pose = {
        (table, str(one.source["row"])): one
        for table in ("4.19", "4.20")
        for one in figures.of(paper, table=table, metric="throughput")
    }
    pi, tx2 = "Raspberry Pi 4, CPU", "Jetson TX2, GPU"
    return [
        Remark(
            paper,
            f"table 4.1, {called}",
            f"{shufflenet['throughput'].value:g} FPS",
            f"{' + '.join(f'{shufflenet[phase].value:g}' for phase in phases)} = {total:.1f} ms, "
            f"{1000 / total:.1f} FPS",
            "the phases together take 40.8 ms, which is 24.5 FPS",
            (shufflenet["throughput"],),
        ),
        Remark(
            paper,
            f"tables 4.1 to 4.21, {len(differing)} other rows",
            "FPS, 3 to 9 % above 1000 over the sum of the phases",
            "; ".join(
                f"{table} {name}: {row['throughput'].value:g} instead of {1000 / total:.1f} ({off:+.1%})"
                for table, name, total, off, row in differing
            )
            + ". The mean of each image's FPS is larger than 1 over the mean time, the more the times vary",
            "some % above 1000 over the sum of the mean times: a mean of FPS",
            tuple(row["throughput"] for *_, row in differing),
        ),
        Remark(
            paper,
            "table 3.2, AlexNet",
            f"{alexnet[0].value:g} GFLOPs",
            f"hadidi-2019 prints {counted:g} G multiply-accumulates; two operations each are {2 * counted:g} GFLOPs",
            "its multiply-accumulates are 0.71 G, 1.43 GFLOPs with two operations each",
            tuple(alexnet),
        ),
        Remark(
            paper,
            "table 3.2, yolov5s6",
            f"{s6[0].value:g} GFLOPs at 1280 pixels",
            f"beside {s[0].value:g} of the smaller yolov5s at 640; four times the pixels need more than "
            f"{4 * s[0].value:g}; 16.8 may be meant, at 640",
            "less than the 16.5 of the smaller yolov5s at half the side; 16.8 may be meant, at 640 pixels",
            tuple(s6),
        ),
        Remark(
            paper,
            "table 3.2, GFLOPs",
            "multiply-accumulates and operations in one column",
            f"ResNet18: {mixed:g} are multiply-accumulates ({2 * mixed:g} G operations); tinyYOLOv3: {darknet:g} are "
            "operations. The tables here say which (`of`)",
        ),
        Remark(
            paper,
            f"tables 4.11 to 4.18, {len(doubtful)} figures of yolov5n6 and yolov5s6",
            "1280 pixels (table 3.2)",
            f"their inference takes {min(times):.2f} to {max(times):.2f} of the time of yolov5n and yolov5s at 640, "
            "not four times it: probably measured at 640",
            "the time is that of yolov5n and yolov5s at 640 pixels: 1280 is doubtful",
            tuple(doubtful),
        ),
        Remark(
            paper,
            "table 3.2, MNASNet0_1",
            "MNASNet0_1",
            "the other tables have Mnasnet1_0, and its 4.4 M parameters are that network's",
            "printed for MNASNet1_0, which the other tables have",
            tuple(figures.of(paper, table="3.2", network="mnasnet1-0")),
        ),
        Remark(
            paper,
            "table 4.5, Mobilenet_v3",
            "neither large nor small",
            "the place and the values are those of Mobilenet_v3_small",
            "the place and the values are those of Mobilenet_v3_small",
            tuple(figures.of(paper, table="4.5", network="mobilenetv3-small")),
        ),
        Remark(
            paper,
            "table 3.1",
            "the Nano's GPU is a Pascal; 10 minutes of rest between runs",
            "its GPU is a Maxwell (compute capability 5.3); the log that is printed says 5 minutes",
        ),
        Remark(
            paper,
            "section 4.3",
            "stride 32 is no faster on the CPU, and faster on GPUs",
            f"Raspberry Pi 4: {pose['4.19', pi].value:g} to {pose['4.20', pi].value:g} FPS, "
            f"{pose['4.20', pi].value / pose['4.19', pi].value:.2f} times; the TX2's GPU gets slower, "
            f"{pose['4.19', tx2].value:g} to {pose['4.20', tx2].value:g} FPS",
            "contradicts that stride 32 gains nothing on CPUs and something on GPUs",
            (pose["4.20", pi], pose["4.20", tx2]),
        ),
    ]


def _hadidi(figures: Figures) -> List[Remark]:
    paper, table = "hadidi-2019", "Our Models"
    rows: Dict[str, Dict[str, float]] = {}
    for one in figures.of(paper, table=table):
        rows.setdefault(str(one.parameters["network"]), {})[one.metric] = one.value

    def of(network: str, *metrics: str) -> Tuple[Figure, ...]:
        return tuple(figures.of(paper, table=table, network=network, metric=metrics))

    c3d, ssd, yolov3, tiny = (rows[name] for name in ("c3d", "ssd-mobilenetv1", "yolov3", "yolov3-tiny"))
    at_320 = figures.value("suo-2021", table="I", metric="flops", resolution=320)
    v3, v2 = (
        figures.value("trinh-2023", table="3.2", metric=metric, network="yolov3-tiny")
        for metric in ("flops", "parameter_count")
    )
    return [
        Remark(
            paper,
            f"{table}, C3D",
            f"{c3d['parameter_count']:g} M parameters, FLOP/Param. {c3d['flops_per_parameter']:g}",
            f"{c3d['flops']:g} G / {c3d['parameter_count']:g} M = {1000 * c3d['flops'] / c3d['parameter_count']:.2f}; "
            f"{c3d['flops_per_parameter']:g} needs {1000 * c3d['flops'] / c3d['flops_per_parameter']:.2f} M",
            "57.99 G over 89.00 M is 651.57; 734.05 needs 79.00 M",
            of("c3d", "parameter_count", "flops_per_parameter"),
        ),
        Remark(
            paper,
            f"{table}, YOLOv3",
            f"{yolov3['flops']:g} GFLOP at 224x224",
            f"suo-2021 has {at_320:g} at 320x320 (table I); 224x224 has {(224 / 320) ** 2:.2f} of it, "
            f"{at_320 * (224 / 320) ** 2:.1f}",
            "38.97 GFLOP are those of 320x320",
            of("yolov3", "flops", "flops_per_parameter"),
        ),
        Remark(
            paper,
            f"{table}, TinyYolo",
            f"{tiny['flops']:g} GFLOP and {tiny['parameter_count']:g} M parameters at 224x224",
            f"trinh-2023 has {v3:g} GFLOPs and {v2:g} M parameters of tinyYOLOv3 at 416x416: the operations are that "
            "network's, the parameters those of YOLOv2-tiny for 20 classes",
            "5.56 GFLOP are YOLOv3-tiny's at 416x416, 15.87 M parameters those of YOLOv2-tiny",
            of("yolov3-tiny", "flops", "parameter_count", "flops_per_parameter"),
        ),
        Remark(
            paper,
            f"{table}, SSD with MobileNet-v1",
            f"FLOP/Param. {ssd['flops_per_parameter']:g}, {ssd['parameter_count']:g} M parameters",
            f"{ssd['flops']:g} G / {ssd['parameter_count']:g} M = {1000 * ssd['flops'] / ssd['parameter_count']:.2f}; "
            "the parameters are those of MobileNetV1 without SSD's layers",
            "0.98 G over 4.23 M is 231.68; the parameters are those of MobileNetV1 alone",
            of("ssd-mobilenetv1", "parameter_count", "flops_per_parameter"),
        ),
        Remark(
            paper,
            f"{table}, Inception-v4",
            f"{rows['inception-v4']['flops']:g} GFLOP at 224x224",
            "Inception-v4 has as many at its own 299x299; 224x224 has "
            f"{(224 / 299) ** 2:.2f} of the pixels, some {rows['inception-v4']['flops'] * (224 / 299) ** 2:.1f}",
            "12.27 GFLOP are those of 299x299",
            of("inception-v4", "flops", "flops_per_parameter"),
        ),
        Remark(
            paper,
            "takeaways",
            "a Raspberry Pi executes all models",
            "the compatibility matrix marks AlexNet, VGG16 and C3D with large memory usage there, and SSD with code "
            "incompatibility: 4 of 9",
        ),
    ]


PAPERS: Sequence[Callable[[Figures], List[Remark]]] = (_suo, _mishra, _swaminathan, _trinh, _hadidi)


def remarks(figures: Figures) -> List[Remark]:
    """All remarks, paper by paper."""
    return [remark for of_paper in PAPERS for remark in of_paper(figures)]
