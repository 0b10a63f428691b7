"""Several circuits in ngspice that take turns: each has the numbers, to the last bit, that it has alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from waiting import stretched

from analog_nmos.backends import ngspice, ngspice_copies, ngspice_library
from analog_nmos.backends.base import Status
from analog_nmos.backends.ngspice import NgspiceBackend
from analog_nmos.backends.ngspice_copies import MOST_COPIES, Copies
from analog_nmos.backends.ngspice_file import find_library
from analog_nmos.backends.ngspice_library import Ngspice
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.circuit import BODY_TIES, CircuitOptions
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.topology import Topology, dense
from common.errors import InputError

CARD = read_model_card(default_card_path())
EVERYONE = np.ones(1, bool)
NEVER_EXACT = {"reltol": 1e-18, "vntol": 1e-30, "abstol": 1e-30}  # rounding keeps Newton's method from ending
TURNS = 12
MEASURED_MB = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)
Make = Callable[[], NgspiceBackend]
pytestmark = pytest.mark.usefixtures("spice")


def chip(topology: Topology, seed: int) -> Deviations:
    rng = np.random.default_rng(seed)
    return Deviations(0.05 * rng.standard_normal(topology.n_edges), rng.uniform(0.6, 1.4, topology.n_edges))


def maker(topology: Topology, chip_seed: int | None = None, **options: Any) -> Make:
    own = None if chip_seed is None else chip(topology, chip_seed)
    return lambda: NgspiceBackend([topology], CARD, CircuitOptions(**options), deviations=[own])


class Walk:
    """A backend on its way through samples: gates that move, a free phase, and a clamped one that remains in VOUT."""

    def __init__(self, backend: NgspiceBackend, seed: int) -> None:
        self.backend, self.rng = backend, np.random.default_rng(seed)
        self.found: list[np.ndarray] = []

    def turn(self) -> None:
        topology, rng = self.backend._topology, self.rng
        self.backend.set_gates(rng.uniform(0.5, 5.0, (1, topology.n_edges)))
        input_V = rng.uniform(0, 1, (1, topology.n_inputs))
        target_V, clamped = rng.uniform(0, 0.5, (1, topology.n_outputs)), rng.random((1, topology.n_outputs)) < 0.5
        for solution in (
            self.backend.solve_free(input_V, EVERYONE),
            self.backend.solve_clamped(input_V, target_V, clamped, EVERYONE),
        ):
            assert solution.status.tolist() == [Status.CONVERGED]
            self.found.append(solution.node_V.copy())


def alone(make: Make, seed: int, turns: int = TURNS) -> np.ndarray:
    """Voltages of a backend that solves with no other one about."""
    walk = Walk(make(), seed)
    for _ in range(turns):
        walk.turn()
    walk.backend.close()
    return np.array(walk.found)


def in_turns(makers: Sequence[Make], turns: int = TURNS) -> list[Walk]:
    """All backends made first, then sample by sample."""
    walks = [Walk(make(), seed) for seed, make in enumerate(makers)]
    for _ in range(turns):
        for walk in walks:
            walk.turn()
    return walks


def check_all(makers: Sequence[Make]) -> None:
    expected = [alone(make, seed) for seed, make in enumerate(makers)]
    for walk, there in zip(in_turns(makers), expected, strict=True):
        np.testing.assert_array_equal(walk.found, there)


@contextmanager
def loads_counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Numbers one entry for each circuit that is loaded meanwhile."""
    loads: list[int] = []
    load = Ngspice.load
    with monkeypatch.context() as patch:
        patch.setattr(Ngspice, "load", lambda *args, **named: (loads.append(1), load(*args, **named))[1])
        yield loads


NETWORK = dense(8, 3)
SETS: dict[str, list[Make]] = {
    "two deviations": [maker(NETWORK, 1), maker(NETWORK, 2)],
    "with and without": [maker(NETWORK), maker(NETWORK, 1)],
    "the same twice": [maker(NETWORK, 1), maker(NETWORK, 1)],
    "two networks": [maker(dense(3, 2)), maker(dense(12, 4))],
    "temperatures": [maker(NETWORK, 1), maker(NETWORK, 2), maker(NETWORK, 1, temp=60.0)],
    "bodies": [maker(NETWORK, 1, body_tie=tie) for tie in BODY_TIES[:3]],
    "matrix solvers": [maker(NETWORK, 1), maker(NETWORK, 1, solver="sparse"), maker(NETWORK, 2, reltol=1e-9)],
}


@pytest.mark.parametrize("makers", SETS.values(), ids=SETS)
def test_circuits_that_take_turns_have_the_bits_of_each_alone(makers: list[Make]) -> None:
    check_all(makers)


def test_circuits_that_take_turns_stay_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    walks = [Walk(make(), seed) for seed, make in enumerate(SETS["temperatures"])]
    with loads_counted(monkeypatch) as loads:
        for _ in range(3):
            for walk in walks:
                walk.turn()
    assert loads == []
    assert len({id(walk.backend._spice) for walk in walks}) == 3


def test_different_chips_have_different_voltages() -> None:
    """Else the tests above could compare a circuit with itself."""
    first, second = (alone(make, 0) for make in SETS["two deviations"])
    assert (np.abs(first - second)[:, 0, NETWORK.out_nodes] > 1e-6).all()


def fail(other: NgspiceBackend) -> None:
    """An operating point without an end, after which its circuit has to be loaded anew."""
    other.set_gates(np.full((1, 12), 2.5))
    solution = other.solve_free(np.full((1, 4), 0.7), EVERYONE)
    assert solution.status.tolist() == [Status.NO_CONVERGENCE]


def take_a_wrong_value(other: NgspiceBackend) -> None:
    other.set_gates(np.full((1, 12), np.nan))
    assert other.solve_free(np.full((1, 4), 0.7), EVERYONE).status.tolist() == [Status.NOT_FINITE]


def reload(other: NgspiceBackend) -> None:
    other.reload(0)


def close_and_solve_again(other: NgspiceBackend) -> None:
    other.close()
    other.close()
    other.set_gates(np.zeros((1, 12)))
    assert other.solve_free(np.zeros((1, 4)), EVERYONE).status.tolist() == [Status.CONVERGED]


def fill(other: NgspiceBackend) -> None:
    """More points than a sweep may have."""
    other.set_gates(np.zeros((1, 12)))
    _, status = other.solve_many(0, np.zeros((7, 4)))
    assert not status.any()


def come_and_go(other: NgspiceBackend) -> None:
    """A refused card, and circuits that nobody keeps."""
    for _ in range(2):
        maker(dense(2, 1))()
    with pytest.raises(ngspice.RunError, match="does not accept"):
        ngspice_copies.copies().room().read("t\nv1 1 0 1\nx1 1 0 nosuch\n.op\n.end\n")


@pytest.mark.parametrize("disturb", [fail, take_a_wrong_value, reload, close_and_solve_again, fill, come_and_go])
def test_what_happens_to_one_circuit_does_not_reach_the_others(monkeypatch: pytest.MonkeyPatch, disturb: Any) -> None:
    makers = SETS["two deviations"]
    expected = [alone(make, seed) for seed, make in enumerate(makers)]
    monkeypatch.setattr(ngspice_library, "MAX_POINTS", 5)
    other = maker(dense(4, 3), **NEVER_EXACT)()
    walks = [Walk(make(), seed) for seed, make in enumerate(makers)]
    for _ in range(TURNS):
        walks[0].turn()
        disturb(other)
        walks[1].turn()
    for walk, there in zip(walks, expected, strict=True):
        np.testing.assert_array_equal(walk.found, there)


@pytest.fixture
def two_places(spice: Ngspice, monkeypatch: pytest.MonkeyPatch) -> Copies:
    """Room for two circuits only."""
    few = Copies(spice, most=2)
    monkeypatch.setattr(ngspice, "copies", lambda: few)
    return few


def test_more_circuits_than_places_are_loaded_anew_with_the_same_bits(
    two_places: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    makers = SETS["temperatures"]
    with loads_counted(monkeypatch) as loads:
        check_all(makers)
    assert len(loads) > 2 * len(makers) + TURNS
    assert len(two_places._copies) == 2


def test_the_circuit_not_used_for_longest_loses_its_place(two_places: Copies, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (Walk(make(), 0) for make in SETS["two deviations"])
    first.turn()
    third = Walk(maker(dense(2, 1))(), 0)
    with loads_counted(monkeypatch) as loads:
        first.turn()
        third.turn()
        assert loads == []
        second.turn()
        third.turn()
        assert loads == [1]  # in the place of the first, not where it had been


def memory_MB() -> float:
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("no /proc")
    found = MEASURED_MB.search(status.read_text())
    assert found
    return int(found[1]) / 1e3


@pytest.mark.parametrize("way", ["close", "forget", "keep one"])
def test_backends_one_after_another_need_no_more_memory(two_places: Copies, way: str) -> None:
    topology, kept = dense(16, 4), None
    for number in range(320):
        backend = maker(topology, number % 5)()
        backend.set_gates(np.full((1, topology.n_edges), 3.0))
        backend.solve_free(np.full((1, 16), 0.5), EVERYONE)
        if way == "close":
            backend.close()
        elif way == "keep one":
            kept = kept or backend
        if number == 20:
            before_MB = memory_MB()
    assert memory_MB() - before_MB < 6  # a circuit takes 0.2 MB, a copy of the library 5 MB
    assert len(two_places._copies) == (1 if way == "close" else 2)


def test_ngspice_takes_the_place_of_no_circuit_while_there_is_a_free_one(spice: Ngspice) -> None:
    first, second = (make() for make in SETS["two deviations"])
    place = first._spice
    del first
    third = maker(NETWORK)()
    assert third._spice is place
    assert second._circuit is not None
    assert second._circuit.is_ready


def test_a_closed_circuit_is_freed_at_once(spice: Ngspice) -> None:
    backend = maker(NETWORK)()
    place = backend._spice
    place.command("listing")
    assert any("nonideal transistor network" in line for line in place.drain())
    backend.close()
    place.command("listing")
    (said,) = place.drain()
    assert "no circuit loaded" in said


def test_copies_in_memory_do_not_take_each_other_for_the_same_file(
    spice: Ngspice, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hasattr(os, "memfd_create"):
        pytest.skip("no files in memory")
    monkeypatch.setattr(ngspice_copies.tempfile, "tempdir", "/nowhere")
    three = Copies(spice, most=3)
    monkeypatch.setattr(ngspice, "copies", lambda: three)
    check_all(SETS["temperatures"])
    assert len(three._copies) == 3


def refuse_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(name: str) -> int:
        raise PermissionError("no files in memory")

    monkeypatch.setattr(os, "memfd_create", refused, raising=False)


def test_a_copy_in_a_folder_does_where_memory_does_not(two_places: Copies, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_memory(monkeypatch)
    check_all(SETS["two deviations"])
    assert len(two_places._copies) == 2


def test_without_a_copy_circuits_share_a_place_and_a_warning_says_so(
    two_places: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_memory(monkeypatch)
    monkeypatch.setattr(ngspice_copies.tempfile, "tempdir", "/nowhere")
    makers = SETS["two deviations"]
    with pytest.warns(UserWarning, match=r"^circuits that take turns are loaded anew .* copied: .*/nowhere") as said:
        check_all(makers)
    assert len(said) == 1
    assert len(two_places._copies) == 1


def test_a_file_is_not_loaded_twice(spice: Ngspice) -> None:
    with pytest.raises(InputError, match=r"is loaded already$"):
        Ngspice(find_library())


def test_the_file_of_a_library_known_by_name_only(spice: Ngspice) -> None:
    if not sys.platform.startswith("linux") or ".tools" in find_library().parts:
        pytest.skip("the linker does not know it")
    assert ngspice_copies._file_of(Path(find_library().name)).samefile(find_library())


GIVEN_UP = """
import sys
from analog_nmos.backends.ngspice import NgspiceBackend
from analog_nmos.circuit import CircuitOptions
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.topology import dense
from common.errors import InputError
good, bad = read_model_card(default_card_path()), read_model_card(sys.argv[1])
kept = []
for card in [good, *[bad] * int(sys.argv[2]), good, good, good]:
    try:
        kept.append(NgspiceBackend([dense(2, 1)], card, CircuitOptions()))
        print("good")
    except InputError as problem:
        print(problem)
"""


def test_a_library_that_has_given_up_is_not_used_again(tmp_path: Path) -> None:
    text = default_card_path().read_text()
    card = tmp_path / "card.lib"
    card.write_text(re.sub(r"vto=\S+", "vto={nosuch(1)}", text, flags=re.IGNORECASE))
    assert card.read_text() != text

    def printed(bad: int) -> list[str]:
        command = [sys.executable, "-c", GIVEN_UP, str(card), str(bad)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=stretched(60))
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    refused = f"model card {card}: ngspice does not accept the circuit: Undefined parameter [nosuch]"
    few = printed(MOST_COPIES - 1)
    assert few[0] == "good"
    assert [line.startswith(refused) for line in few[1:]] == [True] * (MOST_COPIES - 1) + [False] * 3
    assert few[-3:] == ["good"] * 3  # all in the one place left
    every = printed(MOST_COPIES)[-1]
    assert every.endswith("ngspice has given up on earlier circuits of this process; start a new process")
