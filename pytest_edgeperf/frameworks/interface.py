"""The one interface behind which every inference runtime stands.

A runtime is one file or folder here: a :class:`Framework` (is it here and in which version; can it do this
model at this precision, and if not why; load) and an :class:`Engine` (infer and synchronise).
Nothing heavy is imported before ``load``.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, ContextManager, Dict, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.configuration import EngineConfiguration
from pytest_edgeperf.frameworks.description import EngineDescription
from pytest_edgeperf.frameworks.errors import FrameworkError, NoPlacement, closest
from pytest_edgeperf.frameworks.formats import SourceFormat
from pytest_edgeperf.frameworks.models import Inputs, Model, ModelLike, Reference, TensorSpec
from pytest_edgeperf.frameworks.options import Option, option_values
from pytest_edgeperf.frameworks.profiling import CALLS, REPETITIONS, NoProfile, OperatorProfile
from pytest_edgeperf.frameworks.stages import BUILD, READ, importing, stage

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.models import Array as Array

__all__ = [
    "PLATFORMS",
    "PRECISIONS",
    "DeviceTimed",
    "Engine",
    "EngineConfiguration",
    "EngineDescription",
    "Framework",
    "FrameworkError",
    "Inputs",
    "Model",
    "ModelLike",
    "NoPlacement",
    "Option",
    "Reference",
    "SelfTimed",
    "SourceFormat",
    "TensorSpec",
    "closed",
    "closest",
    "described",
    "require_precision",
    "require_threads",
]

PRECISIONS = ("fp32", "tf32", "fp16", "bf16", "int8")
#: Where a runtime may have to be installed in another way.
PLATFORMS = ("jetpack-4", "jetpack-5", "jetpack-6", "jetpack-7", "raspberry-pi", "aarch64", "x86")


def require_precision(precision: str) -> None:
    """Raise FrameworkError, naming the known ones, unless ``precision`` is one of :data:`PRECISIONS`."""
    if precision not in PRECISIONS:
        raise FrameworkError(
            f"unknown precision {precision!r}{closest(precision, PRECISIONS)}; known: {', '.join(PRECISIONS)}"
        )


def require_threads(threads: int) -> None:
    """Raise FrameworkError unless ``threads`` is a positive number; 0 would mean "as the runtime likes"."""
    if threads < 1:
        raise FrameworkError(f"threads must be at least 1, not {threads}")


def closed(*_: Any, **__: Any) -> Any:
    """What an engine's calls are replaced by when it is closed.

    Raises:
        FrameworkError: always.
    """
    raise FrameworkError("the engine is closed; load the model again")


class Engine(ABC):
    """A model loaded by a framework at a precision, ready to infer."""

    #: The framework with its variant, as in ``--framework``.
    framework: str
    precision: str
    model: Model
    inputs: Tuple[TensorSpec, ...]
    #: What the files that the runtime loaded take, in MiB, where there are any.
    size_mib: Optional[float] = None
    #: How long the cold inference took, in ms, where loading already made it.
    first_ms: Optional[float] = None
    #: What steps of loading took, in ms, where that is known: ``engine_context``, ``engine_allocation`` (the first two
    #: of the six steps of inference in Swaminathan et al. 2024, figure 3), and where it was asked for ``import_time``,
    #: ``load_time`` and ``build_time``.
    load_ms: Mapping[str, float] = MappingProxyType({})
    #: Packages of the runtime that the process had imported before it was loaded, so that it has no ``import_time``.
    imported_before: Tuple[str, ...] = ()

    configuration: EngineConfiguration

    def __init__(self, configuration: Optional[EngineConfiguration] = None) -> None:
        """Keep what the engine is asked to be; its inputs are the model's until the engine knows better.

        Engines from before there were configurations give none, and set these attributes themselves.
        """
        if configuration is None:
            return
        self.configuration = configuration
        self.framework = configuration.framework
        self.precision = configuration.precision
        self.model = configuration.model
        self.inputs = tuple(configuration.model.inputs)

    @abstractmethod
    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Run one inference on numpy arrays, given in the order of ``inputs``; return numpy arrays."""

    def synchronise(self) -> None:  # noqa: B027 (most runtimes need nothing)
        """Wait until the device has finished; nothing to do on a CPU."""

    @abstractmethod
    def describe(self) -> EngineDescription:
        """What the runtime really gave, read back from it: provider, threads, spinning, version."""

    def device_memory_mib(self) -> Optional[float]:
        """The most memory of a GPU that the runtime's own allocator has used; ``None`` where it does not report it."""
        return None

    def profile_operators(
        self, inputs: Sequence[Tuple[Array, ...]], repetitions: int = REPETITIONS, calls: int = CALLS
    ) -> OperatorProfile:
        """How long each operator takes: ``repetitions`` times the mean of ``calls`` inferences on the inputs in turn.

        Never part of what is timed, in a process of its own: it may load the model a second time, with profiling
        on. The engine itself stays as it is, and what was written meanwhile is removed.

        Raises:
            NoProfile: the runtime reports no operator times, which is what every engine says that has no method for it.
        """
        raise NoProfile(f"{self.framework} reports no operator times")

    def placement(self) -> Optional[Mapping[str, int]]:
        """Provider or delegate -> how many nodes of the network it computes, as the runtime itself reports them.

        Asked for after everything is timed. ``None``: the runtime divides no network, one thing computes all of it.

        Raises:
            NoPlacement: it divides networks and does not say how.
        """
        return None

    def close(self) -> None:  # noqa: B027 (most runtimes need nothing)
        """Free what the engine holds."""

    def example_inputs(self, count: int = 4, seed: int = 0) -> Inputs:
        """``count`` seeded random inputs of the engine's shapes (normal for floats, 0 or 1 for integers)."""
        import numpy as np

        generator = np.random.default_rng(seed)

        def tensor(spec: TensorSpec) -> Array:
            dtype = np.dtype(spec.dtype)
            if dtype.kind == "f":
                return generator.standard_normal(spec.shape).astype(dtype)
            return generator.integers(0, 2, spec.shape).astype(dtype)

        return Inputs([tuple(tensor(spec) for spec in self.inputs) for _ in range(count)])


class DeviceTimed(Engine):
    """An engine whose device times the phases of an inference itself (CUDA events)."""

    @abstractmethod
    def infer_timed(self, *arrays: Array) -> Mapping[str, float]:
        """Run one inference; how long its phases took in ms.

        By the device's clock ``device_latency`` from its first command to its last, and of it ``device_copy_in``,
        ``device_infer`` and ``device_copy_out``; by the host's ``synchronise``, the wait for the device in the end.
        """


class SelfTimed(Engine):
    """An engine that only a program of its own can run fast, and times.

    Its ``infer`` starts that program for one inference: good for the check of its outputs, never timed.
    """

    @abstractmethod
    def run_for(self, seconds: float, *arrays: Array) -> Mapping[str, Sequence[float]]:
        """Infer on the arrays for so long; how long each inference took, in ms, in the order in which they ran.

        ``latency``, and where it reports them ``device_copy_in``, ``device_infer`` and ``device_copy_out``, all of the
        same length.
        """


def described(engine: Engine) -> Dict[str, Any]:
    """What an engine says of itself, as a run's environment keeps it.

    A plain mapping, which engines of other packages returned before there was a class for it, is taken with a
    ``DeprecationWarning``.

    Raises:
        FrameworkError: it returns something else.
    """
    given: Any = engine.describe()
    if isinstance(given, EngineDescription):
        return given.to_dict()
    where = f"{type(engine).__module__}.{type(engine).__qualname__}.describe"
    if not isinstance(given, Mapping):
        raise FrameworkError(f"{where} returned a {type(given).__name__}, not an EngineDescription")
    warnings.warn(
        f"{where} returns a {type(given).__name__}; return a pytest_edgeperf.EngineDescription",
        DeprecationWarning,
        stacklevel=2,
    )
    return dict(given)


class Framework(ABC):
    """An inference runtime."""

    #: As users type it in ``--framework``, without a variant.
    name: str
    #: What to type when it is not here, and platform (see :data:`PLATFORMS`) -> what to type there instead.
    install_advice: str
    install_on: ClassVar[Mapping[str, str]] = {}
    #: What may follow the name after a colon: ``torch:compile``; and which of them this one is.
    variants: Tuple[str, ...] = ()
    variant: Optional[str] = None
    #: The formats of :data:`PRECISIONS` that it can run somewhere, without a variant.
    precisions: Tuple[str, ...] = ("fp32",)
    #: The formats in which it takes networks, with the suffixes of their files.
    formats: ClassVar[Sequence[SourceFormat]] = ()
    #: What a model may ask of it.
    options: ClassVar[Sequence[Option]] = ()

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Take a framework that overrides ``load`` itself, as those of other packages did before ``_load``."""
        super().__init_subclass__(**arguments)
        if "load" not in cls.__dict__:
            return
        warnings.warn(
            f"{cls.__module__}.{cls.__qualname__} overrides load; override _load(configuration), which load calls "
            "after its checks",
            DeprecationWarning,
            # The class statement, behind the metaclass.
            stacklevel=3,
        )
        if getattr(cls._load, "__isabstractmethod__", False):
            cls._load = _unused  # type: ignore[method-assign]

    @property
    def full_name(self) -> str:
        """With its variant."""
        return f"{self.name}:{self.variant}" if self.variant else self.name

    @property
    def processor(self) -> str:
        """What its engines compute with: ``cpu`` or ``gpu``."""
        return "cpu"

    @property
    def offered(self) -> Tuple[str, ...]:
        """The formats that it can run somewhere, with its variant."""
        return self.precisions

    def advice_on(self, platform: str) -> str:
        """What to type on a platform to install it, or why it cannot be had there."""
        return self.install_on.get(platform, self.install_advice)

    def unable(self, precision: str) -> Optional[str]:
        """Why it can run no model at the precision on this machine, or ``None``; an unknown precision is an error."""
        require_precision(precision)
        if precision not in self.offered:
            return f"{self.full_name} has no {precision}, only {', '.join(self.offered)}"
        return None

    def providers(self) -> Sequence[str]:
        """What it can compute with here, by the runtime's own names; imports it."""
        return ("cpu",)

    def imported(self, module: str, remedy: str = "reinstall it") -> Any:
        """The runtime's module of this name, imported now.

        Raises:
            FrameworkError: it is not installed, or cannot be imported; ``remedy`` is for that.
        """
        try:
            return importing(module)
        except ImportError as error:
            if self.version() is None:
                raise FrameworkError(f"{self.name} is not installed; {self.install_advice}") from error
            raise FrameworkError(
                f"{self.name} {self.version()} is installed but cannot be imported: {error}; {remedy}"
            ) from error

    def reading(self) -> ContextManager[None]:
        """To put around what reads the model in ``_load``: ``load_time``, where a benchmark asks for it."""
        return stage(READ)

    @abstractmethod
    def version(self) -> Optional[str]:
        """The installed version, or ``None`` when it is not installed. Imports nothing heavy."""

    @abstractmethod
    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why this runtime cannot run the model at the precision, or ``None`` when it can."""

    def missing(self) -> Optional[str]:
        """Why it is not installed here, with the remedy, or ``None`` when it is."""
        return None if self.version() is not None else f"{self.full_name} is not installed; {self.install_advice}"

    def option_values(self, model: Model) -> Dict[str, Any]:
        """The value of each declared option: the model's, else the default.

        Raises:
            FrameworkError: the model has an option that is not declared, or a value that the option does not accept.
        """
        return option_values(self.name, self.options, model)

    def load(self, model: Model, *, precision: str = "fp32", threads: int = 1) -> Engine:
        """Load the model with ``threads`` threads, checking before that it can be done, and after that it was.

        Raises:
            FrameworkError: an option is wrong, the model is not supported at the precision, the runtime is not
                installed or cannot load the model, or it gave something else than was asked for.
        """
        options = self.option_values(model)
        reason = self.unsupported(model, precision)
        if reason is not None:
            raise FrameworkError(reason)
        require_threads(threads)
        missing = self.missing()
        if missing is not None:
            raise FrameworkError(missing)
        configuration = EngineConfiguration(self.full_name, self.version(), model, precision, threads, options)
        with stage(BUILD):
            engine = self._load(configuration)
        try:
            self._require_as_asked(engine, configuration)
        except BaseException:
            engine.close()
            raise
        return engine

    @abstractmethod
    def _load(self, configuration: EngineConfiguration) -> Engine:
        """Load the model; :meth:`load` has checked that it is supported here, and compares the engine with it after.

        Raises:
            FrameworkError: the runtime cannot load the model, or gave something else than was asked for.
        """

    def _require_as_asked(self, engine: Engine, configuration: EngineConfiguration) -> None:
        given = described(engine)
        asked: Dict[str, Any] = {"framework": configuration.framework, "precision": configuration.precision}
        # A GPU is driven by one thread of the host, whatever was asked for.
        if self.processor == "cpu" and isinstance(given.get("threads"), int):
            asked["threads"] = configuration.threads
        for what, wanted in asked.items():
            if given.get(what) != wanted:
                raise FrameworkError(f"{self.full_name} was asked for {what} {wanted!r} and gave {given.get(what)!r}")


def _unused(self: Framework, configuration: EngineConfiguration) -> Engine:
    raise NotImplementedError(f"{type(self).__qualname__} loads by its own load")
