"""The kernel's states: transformers' own, the same whatever the instructions, the threads and the neighbours."""

import ctypes
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tamis_engine.errors import ModelInvalid
from tamis_engine.models.spec import Spec
from tamis_engine.native.network import NativeBert, Precision
from tamis_engine.native.weights import stored
from tamis_engine.operation import Piece
from tests.engine.native.conftest import Kernels
from tests.engine.native.tiny import expected_states, new_spec, pieces_of

LENGTHS = [1, 7, 40, 2, 33, 64, 1, 130, 16]


def network(kernel: ctypes.CDLL, spec: Spec, precision: Precision = "float32") -> NativeBert:
    with stored(spec) as found:
        return NativeBert(kernel, spec, found, precision)


def states(bert: NativeBert, pieces: Sequence[Piece], threads: int = 2) -> np.ndarray:
    return np.concatenate(bert.states(pieces, threads))


@pytest.mark.parametrize(
    "sizes",
    [
        {"hidden_size": 32, "num_attention_heads": 1},
        {"hidden_size": 50, "num_attention_heads": 5, "intermediate_size": 33},
        {"hidden_size": 128, "num_attention_heads": 2, "intermediate_size": 256},
        {"hidden_size": 80, "num_attention_heads": 10, "intermediate_size": 7, "layer_norm_eps": 1e-5},
    ],
    ids=["one head", "odd sizes", "wide heads", "narrow heads"],
)
def test_float32_states_are_those_of_transformers(kernels: Kernels, tmp_path: Path, sizes: dict[str, int]) -> None:
    spec = new_spec(tmp_path, **sizes)
    pieces = pieces_of(LENGTHS, typed=True)
    expected = np.concatenate(expected_states(spec, pieces))
    for level, kernel in kernels.items():
        np.testing.assert_allclose(states(network(kernel, spec), pieces), expected, atol=1e-4, err_msg=level)


def test_the_longest_sequence_and_the_shortest_are_read(kernels: Kernels, tmp_path: Path) -> None:
    spec = new_spec(tmp_path)
    pieces = pieces_of([512, 1])
    expected = np.concatenate(expected_states(spec, pieces))
    for level, kernel in kernels.items():
        np.testing.assert_allclose(states(network(kernel, spec), pieces), expected, atol=1e-4, err_msg=level)


def test_tables_in_float16_are_read_as_what_they_hold(kernels: Kernels, tmp_path: Path) -> None:
    spec = new_spec(tmp_path, half=True)
    pieces = pieces_of(LENGTHS)
    expected = np.concatenate(expected_states(spec, pieces))
    for level, kernel in kernels.items():
        np.testing.assert_allclose(states(network(kernel, spec), pieces), expected, atol=1e-4, err_msg=level)


def test_all_instructions_give_the_same_int8_states(kernels: Kernels, tmp_path: Path) -> None:
    spec = new_spec(tmp_path, hidden_size=50, num_attention_heads=5, intermediate_size=70)
    pieces = pieces_of(LENGTHS)
    found = {level: states(network(kernel, spec, "int8"), pieces) for level, kernel in kernels.items()}
    for level, values in found.items():
        # One rounding the other way moves a whole step of 1/255 here and there.
        assert np.abs(values - found["portable"]).mean() < 2e-3, level
        assert cosines(values, found["portable"]).min() > 0.9995, level


def test_int8_states_are_near_those_of_float32(kernels: Kernels, tmp_path: Path) -> None:
    spec = new_spec(tmp_path, hidden_size=128, intermediate_size=256)
    pieces = pieces_of(LENGTHS)
    for level, kernel in kernels.items():
        exact, fast = (states(network(kernel, spec, precision), pieces) for precision in ("float32", "int8"))
        assert cosines(exact, fast).mean() > 0.997, level


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_no_number_depends_on_threads_or_neighbours(kernels: Kernels, tmp_path: Path, precision: Precision) -> None:
    spec = new_spec(tmp_path)
    pieces = pieces_of(LENGTHS)
    for level, kernel in kernels.items():
        bert = network(kernel, spec, precision)
        together = states(bert, pieces, 1)
        alone = np.concatenate([states(bert, [piece], 1) for piece in pieces])
        np.testing.assert_array_equal(together, alone, err_msg=level)
        for threads in (2, 3, 16):
            np.testing.assert_array_equal(together, states(bert, pieces, threads), err_msg=level)


def test_many_threads_may_ask_one_network_at_once(kernels: Kernels, tmp_path: Path) -> None:
    spec = new_spec(tmp_path)
    batches = [pieces_of(LENGTHS[: count + 1]) for count in range(len(LENGTHS))]
    for kernel in kernels.values():
        bert = network(kernel, spec, "int8")
        expected = [states(bert, batch, 1) for batch in batches]
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda batch, bert=bert: states(bert, batch, 2), batches * 4))
        for values, wanted in zip(found, expected * 4, strict=True):
            np.testing.assert_array_equal(values, wanted)


def test_nothing_in_gives_nothing_out(kernels: Kernels, tmp_path: Path) -> None:
    spec = new_spec(tmp_path)
    for kernel in kernels.values():
        assert network(kernel, spec).states([], 2) == []


@pytest.mark.parametrize(
    ("piece", "reason"),
    [
        (Piece([1, 99]), "tokens that its network does not know"),
        (Piece([1, -1]), "tokens that its network does not know"),
        (Piece([1, 2], [0, 2]), "tokens that its network does not know"),
        (Piece([]), "no token"),
        (Piece([1] * 513), "more than the network has positions for"),
    ],
    ids=["id too high", "negative id", "type too high", "no token", "too long"],
)
def test_what_the_network_cannot_read_is_refused(kernels: Kernels, tmp_path: Path, piece: Piece, reason: str) -> None:
    spec = new_spec(tmp_path)
    for kernel in kernels.values():
        with pytest.raises(ModelInvalid, match=reason):
            network(kernel, spec).states([Piece([3]), piece], 2)


def test_weights_of_zero_give_no_nan(kernels: Kernels, tmp_path: Path) -> None:
    spec = new_spec(tmp_path, initializer_range=0.0)
    for kernel in kernels.values():
        for precision in ("float32", "int8"):
            assert np.isfinite(states(network(kernel, spec, precision), pieces_of(LENGTHS))).all()


def cosines(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    return (some * others).sum(-1) / np.linalg.norm(some, axis=-1) / np.linalg.norm(others, axis=-1)
