"""The kernels that can be built and run on this machine, and BERTs for them to read."""

import ctypes
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tamis_engine import embedded
from tamis_engine.models.spec import Network, Normalize, Output, Pool, Spec, Text
from tamis_engine.native import build
from tamis_engine.native.kernel import levels, library
from tests.engine.native.tiny import EMBEDDED_CONFIG

Kernels = Mapping[str, ctypes.CDLL]


@pytest.fixture(scope="session")
def built() -> Iterator[Path]:
    """A folder with kernels of the present sources; without any where there is no compiler, or not for these."""
    if all(build.file_of(level).is_file() for level in build.wanted()) and _are_fresh():
        yield build.FOLDER
        return
    with TemporaryDirectory() as folder:
        build.build(Path(folder))
        yield Path(folder)


@pytest.fixture(scope="session")
def kernels(built: Path) -> Kernels:
    """By level. Without a compiler it is empty, and then the tests have nothing to compute; see test_build.py."""
    if not build.file_of(build.PORTABLE, built).is_file():
        return {}
    return {level: library(level, built) for level in levels(built)}


@pytest.fixture(scope="session")
def embedded_spec() -> Spec:
    """The shipped encoder."""
    return Spec(
        name=embedded.NAME,
        folder=embedded.FOLDER,
        revision="shipped",
        network=Network(EMBEDDED_CONFIG, ("model.safetensors",)),
        text=Text(max_tokens=embedded.MAX_TOKENS),
        outputs={"dense": Output((Pool("mean"), Normalize()))},
        dimensions=embedded.DIMENSIONS,
    )


def _are_fresh() -> bool:
    return all(build.fingerprint().encode() in build.file_of(level).read_bytes() for level in build.wanted())
