from __future__ import annotations

import inspect
import re
import sys
import threading
from importlib import import_module

import numpy as np
import pytest

from pytest_edgeperf.frameworks.cuda import BINDINGS, PYCUDA, open_cuda
from pytest_edgeperf.frameworks.cuda.cuda_bindings import CudaBindings
from pytest_edgeperf.frameworks.interface import FrameworkError
from tests.fakes import cuda_fake, tensorrt_fake
from tests.fakes.cuda_fake import DEVICE

PACKAGES = ("cuda-bindings", "pycuda")


@pytest.fixture
def fake(monkeypatch, tmp_path):
    def install(package, **traits):
        tensorrt_fake.install(monkeypatch, tmp_path / "site", package, **traits)

    yield install
    tensorrt_fake.forget()


@pytest.mark.parametrize("package", PACKAGES)
def test_the_device_tells_what_it_is(fake, package):
    fake(package, gpu="Xavier", capability=[7, 2])
    cuda = open_cuda()
    assert (cuda.package, cuda.version) == (package, "99.0")
    assert cuda.device_name() == "Xavier"
    assert cuda.compute_capability() == (7, 2)
    assert cuda.memory_mib() == (1024.0, 1024.0)


@pytest.mark.parametrize("package", PACKAGES)
def test_work_waits_in_its_stream_and_is_timed_by_events(fake, package):
    fake(package)
    cuda = open_cuda()
    stream, address = cuda.stream(), cuda.allocate(24)
    given, found = cuda.page_locked((2, 3), "float32"), cuda.page_locked((2, 3), "float32")
    assert given.shape == (2, 3)
    given[:] = np.arange(6).reshape(2, 3)
    start, between, end = (cuda.event() for _ in range(3))
    cuda.record(start, stream)
    cuda.copy_in(address, given, stream)
    cuda.record(between, stream)
    cuda.copy_out(found, address, stream)
    cuda.record(end, stream)
    assert not np.array_equal(found, given)
    with pytest.raises(FrameworkError, match=r"cudaEventElapsedTime failed: cudaErrorNotReady|device not ready"):
        cuda.elapsed_ms(start, end)
    cuda.synchronise(stream)
    np.testing.assert_array_equal(found, given)
    assert cuda.elapsed_ms(start, between) == cuda_fake.COPY_MS
    assert cuda.elapsed_ms(start, end) == 2 * cuda_fake.COPY_MS
    for event in (start, between, end):
        cuda.destroy_event(event)
    cuda.free_page_locked(given)
    cuda.free_page_locked(found)
    cuda.free(address)
    cuda.destroy_stream(stream)
    # PyCUDA gives events back with their last reference.
    del start, between, end, event
    assert DEVICE.held() == {"memory": 0, "page_locked": 0, "streams": 0, "events": 0}


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize(("shape", "dtype"), [((), "float32"), ((0, 3), "int64"), ((5,), "bool"), ((2, 2), "float16")])
def test_page_locked_arrays_are_of_any_shape_and_type(fake, package, shape, dtype):
    fake(package)
    cuda = open_cuda()
    array = cuda.page_locked(shape, dtype)
    assert (array.shape, array.dtype) == (shape, np.dtype(dtype))
    cuda.free_page_locked(array)
    assert DEVICE.held()["page_locked"] == 0


@pytest.mark.parametrize("package", PACKAGES)
def test_another_thread_can_use_it(fake, package):
    """A thread that ends with a context of PyCUDA's ends the process; none is left in it."""
    fake(package)
    cuda = open_cuda()
    stream = cuda.stream()
    found = []

    def work():
        address = cuda.allocate(4)
        cuda.synchronise(stream)
        cuda.free(address)
        found.append(sys.modules[PYCUDA].depth() if package == "pycuda" else 0)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [0]
    cuda.destroy_stream(stream)


@pytest.mark.parametrize("package", PACKAGES)
def test_too_much_memory_is_one_sentence(fake, package):
    fake(package)
    with pytest.raises(FrameworkError, match=r"^CUDA: .*(cudaErrorMemoryAllocation|out of memory)$"):
        open_cuda().allocate(1 << 40)


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize(
    ("traits", "sentence"),
    [
        ({"driver": False}, r"finds no NVIDIA driver that is new enough for it \(.+\): install the driver"),
        ({"devices": 0}, r"finds no CUDA device \(.+\): is there a GPU, may this user or container use it"),
    ],
)
def test_no_driver_and_no_device_are_told_apart(fake, package, traits, sentence):
    fake(package, **traits)
    with pytest.raises(FrameworkError, match=sentence):
        open_cuda()


def test_an_old_pycuda_is_refused(fake, monkeypatch):
    fake("pycuda")
    driver = import_module(PYCUDA)
    monkeypatch.delattr(driver.Device, "retain_primary_context")
    with pytest.raises(FrameworkError, match=r"^PyCUDA 99\.0 cannot share .* install PyCUDA 2020\.1 or newer$"):
        open_cuda()


def test_the_older_place_of_the_runtime_is_found(fake, monkeypatch):
    fake("cuda-bindings")
    runtime = import_module(BINDINGS[0])
    for name in ("cuda.bindings", BINDINGS[0]):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, BINDINGS[1], runtime)
    assert isinstance(open_cuda(), CudaBindings)


def test_no_package_is_one_sentence(monkeypatch):
    for name in (*BINDINGS, PYCUDA):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        FrameworkError, match=r"needs cuda-bindings or PyCUDA, and neither is installed: pip install cud"
    ):
        open_cuda()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            "libcuda.so.1: cannot open shared object file",
            r"^PyCUDA finds no NVIDIA driver .*libcuda\.so\.1: cannot op",
        ),
        (
            "undefined symbol: cuArrayCreate_v2",
            r"^pycuda\.driver is installed but cannot be imported: undefined symbol.*; r",
        ),
    ],
)
def test_a_package_that_is_broken_is_told_apart(fake, tmp_path, words, sentence):
    fake("pycuda")
    (tmp_path / "site" / "pycuda" / "driver.py").write_text(f"raise ImportError({words!r})\n")
    with pytest.raises(FrameworkError, match=sentence):
        open_cuda()


def test_the_installed_cuda_bindings_have_what_the_fake_has():
    """Names, arguments and what comes back where there is no GPU, of the real package."""
    real = pytest.importorskip(BINDINGS[0], reason="cuda-bindings is not installed")
    for name, function in inspect.getmembers(cuda_fake.Runtime, inspect.isfunction):
        told = getattr(real, name).__doc__.splitlines()[0]
        # "cudaMalloc(size_t size)" and "cudaMemcpyAsync(dst, kind: cudaMemcpyKind)".
        declared = [part.split(":")[0].split()[-1] for part in re.findall(r"[^(),]+(?=[,)])", told)]
        assert declared == list(inspect.signature(function).parameters)[1:], told
    for kind in (cuda_fake.cudaError_t, cuda_fake.cudaMemcpyKind):
        assert {one.name: int(getattr(getattr(real, kind.__name__), one.name)) for one in kind} == {
            o.name: o.value for o in kind
        }
    for name in ("cudaStreamNonBlocking", "cudaHostAllocDefault"):
        assert int(getattr(real, name)) == getattr(cuda_fake.Runtime, name)
    error, count = real.cudaGetDeviceCount()
    if int(error) != 0:
        assert count is None
        with pytest.raises(FrameworkError, match=rf"^cuda-bindings finds no .*{error.name}"):
            open_cuda()


def test_a_real_device_copies_and_keeps_time():
    try:
        cuda = open_cuda()
    except FrameworkError as error:
        pytest.skip(str(error))
    stream, address = cuda.stream(), cuda.allocate(4 << 20)
    given, found = cuda.page_locked((1 << 20,), "float32"), cuda.page_locked((1 << 20,), "float32")
    given[:] = np.arange(1 << 20)
    start, end = cuda.event(), cuda.event()
    cuda.record(start, stream)
    cuda.copy_in(address, given, stream)
    cuda.copy_out(found, address, stream)
    cuda.record(end, stream)
    cuda.synchronise(stream)
    np.testing.assert_array_equal(found, given)
    assert 0 < cuda.elapsed_ms(start, end) < 1000
    free_mib, total_mib = cuda.memory_mib()
    assert 0 < free_mib < total_mib
    assert cuda.device_name()
    for event in (start, end):
        cuda.destroy_event(event)
    for array in (given, found):
        cuda.free_page_locked(array)
    cuda.free(address)
    cuda.destroy_stream(stream)
