"""A TensorFlow with or without a GPU: what the adapter may ask, and nothing else. It computes with numpy."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace as Record

import numpy as np

PLACE = "/job:localhost/replica:0/task:0/device:"


class Tensor:
    """An array on a device."""

    def __init__(self, array, device):
        self.array, self.device = array, PLACE + device
        self.dtype = Record(name=str(array.dtype))

    def numpy(self):
        return self.array


class Network:
    """A Keras model that doubles its input, in one convolution as its graph says."""

    def __init__(self):
        self.inputs = [Record(name="images", shape=(1, 2), dtype=Record(name="float32"))]
        self.weights = []

    def __call__(self, tensor, training):
        assert training is False
        return 2 * tensor


class TensorFlow:
    """The module ``tensorflow``.

    ``runs_on``: where outputs are computed whatever was asked for; ``saved_on``: the device that the graph itself
    names; ``started``: the process has begun with these settings of the GPU's memory.
    """

    __version__ = "2.99"

    def __init__(self, gpus=1, capability=(8, 7), runs_on=None, saved_on="", started=None, takes_tf32=True):
        self.given = {"soft": True, "tf32": True, "growth": False, "limit": None, **(started or {})}
        self._started, self._runs_on, self._saved_on = started is not None, runs_on, saved_on
        self._takes_tf32 = takes_tf32
        self._on = "CPU:0"
        self._threads = {}
        self.keras = Record(Model=Network)
        self.nest = Record(flatten=lambda given: [given])
        self.test = Record(is_built_with_cuda=lambda: True)
        self.sysconfig = Record(get_build_info=lambda: {"cuda_version": "12.9"})
        self.config = Record(
            threading=Record(
                set_intra_op_parallelism_threads=lambda count: self._threads.update(intra=count),
                get_intra_op_parallelism_threads=lambda: self._threads["intra"],
                set_inter_op_parallelism_threads=lambda count: self._threads.update(inter=count),
                get_inter_op_parallelism_threads=lambda: self._threads["inter"],
            ),
            list_physical_devices=lambda kind: [Record(kind=kind)] * gpus,
            LogicalDeviceConfiguration=Record,
            set_logical_device_configuration=lambda gpu, given: self._fix(limit=given[0].memory_limit),
            get_logical_device_configuration=lambda gpu: (
                [Record(memory_limit=self.given["limit"])] if self.given["limit"] else None
            ),
            set_soft_device_placement=lambda soft: self.given.update(soft=soft),
            experimental=Record(
                get_device_details=lambda gpu: {"device_name": "Stand-in", "compute_capability": capability},
                set_memory_growth=lambda gpu, growth: self._fix(growth=growth),
                get_memory_growth=lambda gpu: self.given["growth"],
                enable_tensor_float_32_execution=self._set_tf32,
                tensor_float_32_execution_enabled=lambda: self.given["tf32"],
                get_memory_info=lambda device: {"current": 1, "peak": {"GPU:0": 3 * 2**20}[device]},
            ),
        )

    def _fix(self, **settings):
        if self._started:
            raise RuntimeError("Physical devices cannot be modified after being initialized")
        self.given.update(settings)

    def _set_tf32(self, enabled):
        if self._takes_tf32:
            self.given["tf32"] = enabled

    @contextmanager
    def device(self, name):
        before, self._on = self._on, name
        yield
        self._on = before

    def convert_to_tensor(self, array, dtype=None):
        return Tensor(np.asarray(array, dtype), self._on)

    def TensorSpec(self, shape, dtype, name):
        return Record(shape=shape, dtype=Record(name=str(dtype)))

    def as_dtype(self, kind):
        return Record(name=kind)

    def function(self, function, input_signature):
        place = PLACE + self._saved_on if self._saved_on else ""
        node = Record(op="Conv2D", attr={"T": Record(type="float32")}, device=place)
        graph = Record(node=[node], library=Record(function=[]))

        def concrete(*tensors):
            self._started = True
            (array,) = function(*(tensor.array for tensor in tensors))
            return [Tensor(array, self._runs_on or self._on)]

        concrete.graph = Record(as_graph_def=lambda: graph)
        concrete.outputs = [Record(dtype=input_signature[0].dtype)]
        return Record(get_concrete_function=lambda: concrete)
