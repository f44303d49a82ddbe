"""A device of CUDA that stands in: its memory is the host's, and what is put into a stream is done at once."""

from __future__ import annotations

import ctypes
import time

import numpy as np

from pytest_edgeperf.frameworks.cuda import Cuda


class HostCuda(Cuda):
    package = "stand-in"
    version = "1"
    capability = (8, 7)

    def __init__(self):
        self.memory = {}
        self.pinned = 0
        self.streams = 0
        self.events = 0
        self.copied_out = []

    def device_name(self):
        return "Stand-in"

    def compute_capability(self):
        return self.capability

    def memory_mib(self):
        return 1000.0, 2000.0

    def allocate(self, nbytes):
        # As aligned as CUDA's own memory.
        raw = np.zeros(nbytes + 256, np.uint8)
        address = -(-raw.ctypes.data // 256) * 256
        self.memory[address] = raw
        return address

    def free(self, address):
        del self.memory[address]

    def page_locked(self, shape, dtype):
        self.pinned += 1
        return np.zeros(shape, dtype)

    def free_page_locked(self, array):
        self.pinned -= 1

    def stream(self):
        self.streams += 1
        return self.streams

    def destroy_stream(self, stream):
        self.streams -= 1

    def synchronise(self, stream):
        assert stream

    def copy_in(self, address, array, stream):
        ctypes.memmove(address, array.ctypes.data, array.nbytes)

    def copy_out(self, array, address, stream):
        ctypes.memmove(array.ctypes.data, address, array.nbytes)
        self.copied_out.append(array)

    def event(self):
        self.events += 1
        return {}

    def record(self, event, stream):
        event["at_s"] = time.perf_counter()

    def elapsed_ms(self, start, end):
        return (end["at_s"] - start["at_s"]) * 1e3

    def destroy_event(self, event):
        self.events -= 1
