"""The compiled epoch against the Python loop: the same numbers to the last bit."""

import copy
import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from analog_nmos.backends.native import NativeBackend
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.data.split import Data
from analog_nmos.digits.data import Digits, Split
from analog_nmos.objectives import OBJECTIVES
from analog_nmos.objectives.cross_entropy import CrossEntropy
from analog_nmos.objectives.hinge import Hinge
from analog_nmos.objectives.mean_squared_error import MeanSquaredError
from analog_nmos.objectives.prototype import Prototype
from analog_nmos.readouts import Highest, NearestLevel, Readout, Value
from analog_nmos.topology import dense
from analog_nmos.training.compiled import sample_kernel, train_replicas
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.copies import Copies
from analog_nmos.training.epoch import train_epoch
from analog_nmos.training.opening import load_card
from analog_nmos.training.replica import new_replica, padded_gates

CLASSES = 9  # more than eight: NumPy then adds a row up in another order
COUNTS = ("correct", "loss", "evaluated", "active", "reload_free", "reload_clamp", "nonfinite_free", "nonfinite_clamp")


def nothing(samples):
    pass


def make_replicas(number, tie="floating", samples=40):
    """Replicas with their own data, gates and learning rate; the second one has fewer edges."""
    made = []
    for seed in range(1, number + 1):
        rng = np.random.default_rng(seed)
        part = Split(rng.uniform(0, 0.5, (samples, 5)), rng.integers(0, CLASSES, samples))
        network = dense(5, CLASSES)
        network = network.keep(np.arange(network.n_edges) % 7 != 3) if seed == 2 else network
        config = TrainerConfig(seed=seed, gamma=3.0 * seed, body_tie=tie, backend="native")
        made.append(new_replica(config, Digits(part, part, part), network))
    return made


def objective(kind, number, ready=True):
    delta = np.linspace(0.1, 0.3, number)
    if kind is Hinge:
        return Hinge(margin=np.full(number, 0.02), delta=delta)
    if kind is CrossEntropy:
        return CrossEntropy(delta=delta, softmax_temp=np.linspace(0.05, 1.0, number))
    made = Prototype(delta=delta, classes=CLASSES)
    for row in range(number if ready else 0):
        outputs = np.random.default_rng(row).uniform(0, 0.3, (CLASSES, CLASSES))
        made.recall(row, {"proto_in": np.zeros((CLASSES, 5)), "proto_out": outputs})
    return made


def backend_of(replicas, **settings):
    config = replicas[0].config
    return NativeBackend([replica.topology for replica in replicas], load_card(config), config, **settings)


def copies_of(replica):
    return Copies([replica], backend_of([replica]))


def both(replicas, rule, mask=None, epochs=2, **settings):
    """Sums, replicas and backends of the two ways, after some epochs with a mask each."""
    mask, ends = np.ones(len(replicas), bool) if mask is None else mask, []
    for way in (train_epoch, train_replicas):
        mine, backend = copy.deepcopy(replicas), backend_of(replicas, **settings)
        sums = [way(mine, mask, Copies(mine, backend), rule, nothing) for _ in range(epochs)]
        ends.append((sums, mine, backend))
    return ends


def assert_same(loop, compiled):
    for one, other in zip(loop[0], compiled[0], strict=True):
        for name in (*COUNTS, "solves"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
    for row, (one, other) in enumerate(zip(loop[1], compiled[1], strict=True)):
        assert np.array_equal(one.gate_V, other.gate_V)
        assert one.rng.randint(2**31) == other.rng.randint(2**31)
        for name, array in loop[2].state(row).items():
            assert np.array_equal(array, compiled[2].state(row)[name], equal_nan=True), name
    assert loop[2].passes == compiled[2].passes


@pytest.fixture
def no_loop(monkeypatch):
    """The compiled way must not fall back to the loop."""

    def refuse(*words):
        raise AssertionError("not compiled")

    monkeypatch.setattr("analog_nmos.training.compiled.train_epoch", refuse)


@pytest.mark.usefixtures("no_loop")
@pytest.mark.parametrize("tie", ["floating", "ground", "source"])
@pytest.mark.parametrize("kind", [Hinge, CrossEntropy, Prototype])
def test_an_epoch_has_the_numbers_of_the_loop(kind, tie):
    replicas = make_replicas(3, tie)
    loop, compiled = both(replicas, objective(kind, 3))
    assert_same(loop, compiled)
    assert not np.array_equal(replicas[0].gate_V, compiled[1][0].gate_V)
    assert compiled[0][0].evaluated.tolist() == [40, 40, 40]


class KeepsOutputs(TrainerConfig):
    keeps_outputs = True


@pytest.mark.usefixtures("no_loop")
@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (Hinge, Highest(CLASSES)),
        (MeanSquaredError, Highest(CLASSES)),
        (MeanSquaredError, NearestLevel((0.2, 0.25))),
        (MeanSquaredError, Value(tuple("abcdefghi"))),
    ],
)
def test_pairs_levels_and_values_have_the_numbers_of_the_loop(kind, answer, pairs):
    readout, made, samples = Readout(answer, pairs), [], 30
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        y = rng.uniform(0, 0.3, (samples, CLASSES)) if not answer.classes else rng.integers(0, 2, samples)
        part = Split(rng.uniform(0, 0.5, (samples, 5)), y)
        config = KeepsOutputs(seed=seed, gamma=3.0 * seed, backend="native")
        data = Data(part, part, part, ("a", "b") if answer.classes else (), "mine", read=readout)
        made.append(new_replica(config, data, dense(5, readout.n_nodes)))
    settings = [{"delta": 0.3, "one_hot": 0.3, "margin": 0.02, "nudge": 1.0}, {"delta": 1.0, "one_hot": 0.5}]
    names = [field.name for field in dataclasses.fields(kind)]
    rule = kind.of([{name: (settings[0] | one)[name] for name in names} for one in settings], readout)
    loop, compiled = both(made, rule)
    assert_same(loop, compiled)
    assert not np.array_equal(made[0].gate_V, compiled[1][0].gate_V)
    for one, other in zip(loop[0], compiled[0], strict=True):
        assert np.array_equal(one.out_V, other.out_V)
        assert other.out_V.shape == (2, samples, readout.n_nodes)
        assert np.isfinite(other.out_V).all()
    assert answer.classes == bool(compiled[0][0].correct.any())


@pytest.mark.usefixtures("no_loop")
def test_transistors_that_differ_have_the_numbers_of_the_loop():
    """Limits of gate voltages, which some reach here, are not moved by offsets."""
    replicas, rng = make_replicas(3), np.random.default_rng(0)
    replicas[0].gate_V[:5], replicas[0].config = 0.401, dataclasses.replace(replicas[0].config, gamma=30.0)
    own = [
        Deviations(rng.normal(0, 0.1, one.topology.n_edges), rng.uniform(0.5, 1.5, one.topology.n_edges))
        for one in replicas[:2]
    ]
    loop, compiled = both(replicas, objective(Hinge, 3), deviations=[*own, None])
    assert_same(loop, compiled)
    assert (compiled[1][0].gate_V == 0.4).any()
    _, plain = both(replicas, objective(Hinge, 3))
    assert not np.array_equal(plain[1][1].gate_V, compiled[1][1].gate_V)
    assert np.array_equal(plain[1][2].gate_V, compiled[1][2].gate_V)


@pytest.mark.usefixtures("no_loop")
def test_before_there_are_prototypes():
    assert_same(*both(make_replicas(2), objective(Prototype, 2, ready=False)))


@pytest.mark.usefixtures("no_loop")
def test_classes_without_a_prototype_are_never_nearest():
    rule = objective(Prototype, 1)
    rule._proto_out_V[0, [0, 4]] = np.nan
    [replica] = make_replicas(1)
    replica.data.train.y[np.isin(replica.data.train.y, (0, 4))] = 1
    loop, compiled = both([replica], rule)
    assert_same(loop, compiled)
    assert np.isfinite(compiled[0][0].loss).all()


@pytest.mark.usefixtures("no_loop")
def test_replicas_outside_the_mask_stay_as_they_are():
    replicas = make_replicas(3)
    loop, compiled = both(replicas, objective(Hinge, 3), np.array([True, False, True]))
    assert_same(loop, compiled)
    assert np.array_equal(replicas[1].gate_V, compiled[1][1].gate_V)
    assert compiled[0][0].solves[1] == 0


@pytest.mark.usefixtures("no_loop")
@pytest.mark.parametrize("kind", [Hinge, CrossEntropy])
def test_failures_are_counted_and_start_cold(kind):
    """Inputs that are not finite, and so few Newton passes that some solves do not converge."""
    replicas = make_replicas(2)
    replicas[0].data.train.x_V[[3, 17]] = np.nan
    loop, compiled = both(replicas, objective(kind, 2), max_passes=4)
    assert_same(loop, compiled)
    sums = compiled[0][0]
    assert sums.nonfinite_free[0] == 2
    assert sums.reload_free.sum() > 0
    assert sums.evaluated.sum() < 80


@pytest.mark.usefixtures("no_loop")
@pytest.mark.parametrize(("delta", "counter"), [(np.inf, "nonfinite_clamp"), (500.0, "reload_clamp")])
def test_clamped_phases_that_fail(delta, counter):
    rule = objective(Hinge, 1)
    rule.delta[:] = delta
    loop, compiled = both(make_replicas(1), rule, epochs=1, max_passes=6)
    assert_same(loop, compiled)
    assert getattr(compiled[0][0], counter)[0] > 0


def test_kept_epochs_give_the_same_numbers_in_another_process(tmp_path):
    """The second process compiles nothing: it reads what the first one left."""
    code = """
import sys; sys.path.insert(0, sys.argv[1])
import test_compiled as t
for kind in (t.Hinge, t.CrossEntropy, t.Prototype):
    loop, compiled = t.both(t.make_replicas(2), t.objective(kind, 2), epochs=1)
    t.assert_same(loop, compiled)
"""
    cache, kept = tmp_path / "cache", []
    for _ in range(2):
        words = [sys.executable, "-c", code, str(Path(__file__).parent)]
        subprocess.run(words, env={**os.environ, "NONIDEAL_CACHE": str(cache)}, check=True)
        kept.append({path.name: path.stat().st_mtime_ns for path in cache.rglob("*epoch_kernel*")})
    assert len(kept[0]) == 3
    assert kept[0] == kept[1]


def test_progress_counts_every_sample_and_may_stop_the_epoch():
    [replica], seen = make_replicas(1, samples=300), []
    train_replicas([replica], np.ones(1, bool), copies_of(replica), objective(Hinge, 1), seen.append)
    assert sum(seen) == 300
    assert 1 < len(seen) < 300
    gate_V = replica.gate_V.copy()

    def stop(samples):
        if len(seen) > 2:
            raise KeyboardInterrupt
        seen.append(samples)

    seen.clear()
    with pytest.raises(KeyboardInterrupt):
        train_replicas([replica], np.ones(1, bool), copies_of(replica), objective(Hinge, 1), stop)
    assert np.array_equal(replica.gate_V, gate_V)


def test_compiling_is_not_part_of_the_first_epoch(tmp_path):
    words = ["1", "--backend", "native", "--epochs", "2", "--train-limit", "300", "--test-limit", "5", "--run-dir"]
    command = [sys.executable, "-m", "analog_nmos.dense_trainer", *words, str(tmp_path / "run")]
    subprocess.run(command, env={**os.environ, "NONIDEAL_CACHE": str(tmp_path / "cache")}, check=True)
    first_s, second_s = np.load(tmp_path / "run" / "0_epoch_total_s.npy")
    assert first_s < second_s + 1.0  # compiling takes five seconds


def test_seconds_add_up_to_most_of_the_epoch():
    [replica] = make_replicas(1, samples=2000)
    backend = backend_of([replica])
    train_replicas([replica], np.ones(1, bool), Copies([replica], backend), objective(CrossEntropy, 1), nothing)
    start = time.perf_counter()
    sums = train_replicas([replica], np.ones(1, bool), Copies([replica], backend), objective(CrossEntropy, 1), nothing)
    whole = time.perf_counter() - start
    assert min(sums.free_s, sums.clamp_s) > 4 * sums.update_s > 0
    assert 0.5 * whole < sums.free_s + sums.clamp_s + sums.update_s < whole


def test_a_subclass_with_another_evaluate_is_not_taken_for_its_parent():
    class Halved(Hinge):
        def evaluate(self, out_V, label):
            found = super().evaluate(out_V, label)
            return dataclasses.replace(found, loss=found.loss / 2)

    one = Halved(np.array([0.02]), np.array([0.1]))
    assert sample_kernel(one) is None
    assert sample_kernel(objective(Hinge, 1)) is not None
    assert_same(*both(make_replicas(1), one, epochs=1))


OWN = """
from dataclasses import dataclass
from typing import NamedTuple
import numba, numpy as np
from analog_nmos.objectives.base import Evaluation, FloatArray, Objective, SampleKernel, highest

SHARE = 0.5

class Own(NamedTuple):
    delta: float

@numba.njit
def share(label):
    return SHARE

@numba.njit
def one(out_V, label, own, target_V, clamped):
    target_V[label] += share(label) * own.delta
    clamped[label] = True
    return 1.0 - out_V[label], int(out_V.argmax()), True

@dataclass(eq=False)
class Up(Objective):
    loss_name = "up"
    loss_label = "distance from 1 V"
    delta: FloatArray

    def evaluate(self, out_V, label):
        rows, target_V, clamped = np.arange(len(label)), out_V.copy(), np.zeros(out_V.shape, bool)
        target_V[rows, label] += SHARE * self.delta
        clamped[rows, label] = True
        return Evaluation(1.0 - out_V[rows, label], out_V.argmax(axis=1), np.ones(len(label), bool), target_V, clamped)

    def kernel(self):
        return SampleKernel(one, [Own(float(delta)) for delta in self.delta])
"""


@pytest.mark.usefixtures("no_loop")
def test_an_objective_of_a_users_own_is_compiled_anew_when_its_file_changes(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("NONIDEAL_CACHE", str(tmp_path / "cache"))
    ends = []
    for share in ("0.5", "0.25"):
        name = f"up_{len(ends)}"
        (tmp_path / f"{name}.py").write_text(OWN.replace("SHARE = 0.5", f"SHARE = {share}"))
        kind = OBJECTIVES.get(f"{name}:Up")
        loop, compiled = both(make_replicas(1), kind(np.array([0.1])), epochs=1)
        assert_same(loop, compiled)
        ends.append(compiled[1][0].gate_V)
        sys.modules.pop(name)
    assert not np.array_equal(*ends)
    kept = [path.name for path in (tmp_path / "cache").rglob("*epoch_kernel*.bin")]
    assert len(kept) == 2


def test_gates_below_the_range_are_brought_into_it():
    [replica] = make_replicas(1)
    replica.gate_V[:] = 0.1
    loop, compiled = both([replica], objective(CrossEntropy, 1), epochs=1)
    assert_same(loop, compiled)
    assert padded_gates(compiled[1]).min() >= 0.4
