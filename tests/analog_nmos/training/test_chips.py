"""Training on chips: an epoch written out, the files of a run, resume, both solvers, sweeps and wrong options."""

import dataclasses

import numpy as np
import pytest

from analog_nmos.backends.native import NativeBackend
from analog_nmos.chips import Chip, load_chip
from analog_nmos.chips.options import ChipOptions
from analog_nmos.chips.periphery import Reads
from analog_nmos.dense_trainer import HingeConfig, run
from analog_nmos.digits.data import Digits, Split
from analog_nmos.objectives.hinge import Hinge
from analog_nmos.tasks import TASKS
from analog_nmos.topology import dense
from analog_nmos.train_sweep import sweep_of_task
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.copies import Copies
from analog_nmos.training.epoch import train_epoch
from analog_nmos.training.opening import load_card, load_replica
from analog_nmos.training.replica import STUCK, new_replica
from common.cli import check
from common.errors import InputError
from common.runs import load_run
from common.sweeps.axes import chosen_axes

NOISY = {
    "read_noise": "0.5%",
    "gate_bits": 8,
    "gate_noise": 0.01,
    "gate_leak": 0.02,
    "update_bias": 1e-3,
    "update_noise": 1e-3,
    "test_temp": 60.0,
}
MARGIN_V, DELTA_V = 0.5, 0.2


class Streams(TrainerConfig):
    """Readings of the three kinds from generators that the test has, too."""

    def reads(self):
        return Reads(*(np.random.default_rng(seed) for seed in (1, 2, 3)))


def small_chip(edges, seed=0, sigma=0.05):
    rng = np.random.default_rng(seed)
    return Chip(*rng.normal(0, sigma, (2, edges)), *rng.uniform(0.8, 1.2, (2, edges)))


def test_an_epoch_written_out(tmp_path):
    """By the circuits of both phases, the order of effects that `chips.periphery` documents, and nothing of it."""
    rng, network = np.random.default_rng(0), dense(4, 3)
    part = Split(rng.uniform(0, 0.5, (12, 4)), rng.integers(0, 3, 12))
    config = Streams(
        gamma=2.0, backend="native", chip=tmp_path, chip_scale=2.0, read_noise="1%", gate_bits=6, gate_range="0.5:6",
        gate_leak=0.1, gate_leak_to=0.2,
    )  # fmt: skip
    chip = small_chip(network.n_edges)
    replica = new_replica(config, Digits(part, part, part), network, chip)
    replica.memory[STUCK] = np.arange(network.n_edges) == 5
    order, twin = np.arange(12), np.random.RandomState(0)
    gate_V = twin.uniform(1.0, 3.0, network.n_edges)
    twin.shuffle(order)
    card = load_card(config)
    circuits = []
    for offset_V, factor in ((chip.vto_free_V, chip.kp_free), (chip.vto_clamp_V, chip.kp_clamp)):
        own = Chip(2 * offset_V, 2 * offset_V, 1 + 2 * (factor - 1), 1 + 2 * (factor - 1)).free()
        circuits.append(NativeBackend([network], card, config, deviations=[own]))
    free_noise, clamped_noise = np.random.default_rng(1), np.random.default_rng(2)
    nodes, step_V, one = np.unique([network.edges_D, network.edges_S]), 5.5 / 63, np.ones(1, bool)
    losses = []
    for sample in order:
        written = 0.5 + np.round((gate_V - 0.5) / step_V) * step_V
        for circuit in circuits:
            circuit.set_gates(written[None])
        x, y = part.x_V[sample], part.y[sample]
        free = circuits[0].solve_free(x[None], one).node_V[0].copy()
        free[nodes] += 0.01 * free_noise.standard_normal(nodes.size)
        out = free[network.out_nodes]
        rival = max(set(range(3)) - {y}, key=lambda k: out[k])
        losses.append(max(0.0, MARGIN_V - (out[y] - out[rival])))
        target, held = out.copy(), np.zeros(3, bool)
        target[y] += DELTA_V / 2
        target[rival] -= DELTA_V / 2
        held[[y, rival]] = True
        clamped = circuits[1].solve_clamped(x[None], target[None], held[None], one).node_V[0].copy()
        clamped[nodes] += 0.01 * clamped_noise.standard_normal(nodes.size)
        drops = [(volts[network.edges_D] - volts[network.edges_S]) ** 2 for volts in (free, clamped)]
        moved = np.clip(gate_V - 2.0 * (drops[1] - drops[0]), 0.5, 6.0)
        gate_V = np.where(replica.stuck, gate_V, moved)
    leaked = np.where(replica.stuck, gate_V, np.maximum(gate_V + 0.1 * (0.2 - gate_V), 0.5))

    copies = Copies.of([replica], card)
    rule = Hinge(np.array([MARGIN_V]), np.array([DELTA_V]))
    sums = train_epoch([replica], np.ones(1, bool), copies, rule, lambda samples: None)
    replica.leak()
    assert sums.active[0] == 12
    assert sums.loss[0] == pytest.approx(sum(losses), abs=1e-6)
    assert np.abs(replica.gate_V - leaked).max() < 1e-6
    assert (replica.gate_V == 0.5).any() or replica.gate_V.min() > 0.5


@pytest.fixture
def settings(sparse_digits, sparse_network, tmp_path):
    """A run of 60 transistors on a chip, with everything switched on."""
    small_chip(60).save(tmp_path / "chip.npz")
    few = {"train_limit": 60, "test_limit": 30, "topology": sparse_digits, "plots": False, "quiet": True}
    return {"seed": 1, "gamma": 1.0, "epochs": 3, "backend": "native", "chip": tmp_path / "chip.npz", **few, **NOISY}


def same_files(one, other):
    names = [path.name for path in one.folder.glob("0_*.npy") if not path.name.endswith("_s.npy")]
    assert len(names) >= 15
    return all(np.array_equal(one.array(name), other.array(name)) for name in names)


@pytest.mark.parametrize("count", [2, 3])
def test_a_killed_run_ends_as_one_that_was_never_stopped(settings, tmp_path, killed, count):
    run(HingeConfig(**settings), tmp_path / "whole")
    config = HingeConfig(**settings)
    assert killed(lambda: run(config, tmp_path / "stopped"), "checkpoint.npz", count)
    (tmp_path / "chip.npz").unlink()  # the run folder has a copy
    run(config, tmp_path / "stopped", resume=True)
    assert same_files(load_run(tmp_path / "whole"), load_run(tmp_path / "stopped"))


def test_more_epochs_go_on_with_the_same_noise(settings, tmp_path):
    run(HingeConfig(**settings), tmp_path / "whole")
    run(HingeConfig(**{**settings, "epochs": 1}), tmp_path / "longer")
    run(HingeConfig(**settings), tmp_path / "longer", resume=True)
    assert same_files(load_run(tmp_path / "whole"), load_run(tmp_path / "longer"))


@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize("one_circuit", [False, True])
def test_ngspice_trains_on_the_same_chip(settings, tmp_path, one_circuit):
    tight = {"reltol": 1e-9, "abstol": 1e-14, "vntol": 1e-11, "itl1": 400, "train_limit": 25, "test_limit": 10}
    own = {**settings, **tight, "epochs": 2, "one_circuit": one_circuit, "gate_bits": 0}
    for backend in ("ngspice", "native"):
        run(HingeConfig(**{**own, "backend": backend}), tmp_path / backend)
    spice, fast = load_run(tmp_path / "ngspice"), load_run(tmp_path / "native")
    for name, limit_V in (("0_vout_test_epoch0", 1e-7), ("0_vout_test_epoch2", 1e-6), ("0_vg_unique_epoch2", 1e-5)):
        assert np.abs(spice.array(name) - fast.array(name)).max() < limit_V, name
    assert np.array_equal(spice.array("0_train_acc"), fast.array("0_train_acc"))


def test_a_chip_is_pruned_with_its_network(settings, tmp_path):
    from analog_nmos.auto_prune_trainer import AutoPruneConfig
    from analog_nmos.auto_prune_trainer import run as prune

    few = {"vg_init_lo": 0.45, "vg_cutoff_epochs": 1, "gamma": 3.0, "epochs": 4}
    folder = prune(AutoPruneConfig(**{**settings, **few}), tmp_path / "pruned")
    record = load_run(folder)
    left = int(record.metrics["edges"].iloc[-1])
    assert 0 < left < 60
    config = AutoPruneConfig(**{**settings, **few})
    replica = load_replica(config, folder)
    keep = np.isin(np.arange(60), np.load(folder / f"0_edge_uid_epoch{4}.npy"))
    replica.keep_edges(keep)
    chip = load_chip(folder / "chip.npz")
    assert np.array_equal(replica.deviations[1].vto_offset_V, chip.vto_clamp_V[keep])


def test_validation_has_its_own_temperature_and_no_other_effect(settings, tmp_path):
    plain = {**settings, "gate_noise": 0.0, "read_noise": "0", "gate_bits": 0, "epochs": 1}
    warm = run(HingeConfig(**plain), tmp_path / "warm")
    as_trained = run(HingeConfig(**{**plain, "test_temp": None}), tmp_path / "plain")
    warm, as_trained = load_run(warm), load_run(as_trained)
    assert np.array_equal(warm.array("0_vg_unique_epoch1"), as_trained.array("0_vg_unique_epoch1"))
    config = HingeConfig(**plain)
    replica = load_replica(config, warm.folder)
    circuit = NativeBackend(
        [replica.topology],
        load_card(config),
        dataclasses.replace(config, temp=60.0),
        deviations=[load_chip(warm.folder / "chip.npz").free()],
    )
    circuit.set_gates(warm.array("0_vg_unique_epoch1")[None])
    out_V, _ = circuit.solve_many(0, replica.data.val.x_V)
    assert np.abs(out_V - warm.array("0_vout_test_epoch1")).max() < 2e-7
    assert np.abs(out_V - as_trained.array("0_vout_test_epoch1")).max() > 1e-5


def test_chips_and_noise_are_axes_of_networks_that_train_side_by_side(here, command, tmp_path):
    for seed in (1, 2):
        small_chip(1280, seed).save(tmp_path / f"chip{seed}.npz")
    few = ("--epochs", 1, "--train-limit", 40, "--test-limit", 20, "--no-plots")
    axes = {"seed": "0", "chip": "chip1.npz,chip2.npz", "read_noise": "0,0.01", "gate_bits": "0,4"}
    sweep = sweep_of_task(TASKS.get("digits-pairs"))
    assert len({spec.group for spec in sweep.specs(chosen_axes(sweep.config, sweep.axes, None, axes))}) == 1
    words = [word for name, value in axes.items() for word in (f"--{name.replace('_', '-')}", value)]
    done = command("analog_nmos.train_sweep", "digits-pairs", *words, *few, "--sweep-dir", "sweep")
    assert "8 of 8 runs done, 0 failed" in done.out
    chosen = next(
        path for path in sorted((tmp_path / "sweep").glob("run_*")) if "chip2" in path.name and "0.01" in path.name
    )
    config = load_run(chosen).config
    alone = ("--chip", config["chip"], "--read-noise", config["read_noise"], "--gate-bits", config["gate_bits"])
    here("analog_nmos.train", "digits-pairs", 0, *few, *alone, "--run-dir", "alone")
    assert np.array_equal(
        load_run(chosen).array("0_vg_unique_epoch1"), load_run(tmp_path / "alone").array("0_vg_unique_epoch1")
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"read_noise": "half"}, "argument --read-noise: 'half' is not a number"),
        ({"read_noise": "-1"}, "argument --read-noise: '-1' is not between 0 and 1000 V"),
        ({"gate_range": "3"}, "argument --gate-range: '3' is not LOWEST:HIGHEST, such as 0.4:8"),
        ({"gate_range": "3:1"}, "argument --gate-range: '3:1' must rise, within 1000 V"),
        ({"chip_scale": 2.0}, "--chip-scale needs --chip"),
        ({"gate_leak_to": 2.0}, "--gate-leak-to needs --gate-leak"),
        ({"gate_bits": 33}, "argument --gate-bits: 33 is out of range; it must be at most 32"),
        ({"gate_noise": -0.1}, "argument --gate-noise: -0.1 is out of range; it must be at least 0"),
    ],
)
def test_options_that_mean_nothing_are_one_line(options, message):
    with pytest.raises(InputError) as problem:
        check(HingeConfig(**options))
    assert str(problem.value) == message


def test_a_chip_of_another_network_is_refused(here, tmp_path):
    small_chip(7).save(tmp_path / "small.npz")
    failed = here("analog_nmos.train", "xor", "--chip", "small.npz", code=2)
    assert failed.err == "error: chip small.npz: a chip of 7 edges does not fit a topology of 32\n"
    failed = here("analog_nmos.train", "xor", "--chip", "none.npz", code=2)
    assert failed.err.startswith("error: chip none.npz: no such file")


def test_percentages_are_of_the_full_scale():
    for name, full_scale_V in (("digits-pairs", 1.0), ("xor", 0.45), ("regression", 0.45), ("ionosphere", 0.8)):
        assert TASKS.get(name)(read_noise="0.5%").read_noise_V == pytest.approx(5e-3 * full_scale_V)
    assert HingeConfig(read_noise="0.002").read_noise_V == 0.002
    assert HingeConfig(input_vmin=-2.0, read_noise="10%").read_noise_V == pytest.approx(0.2)


def test_what_is_off_is_off():
    """Every option of a chip has a default that does nothing; tests/compat holds the numbers without any."""
    plain = HingeConfig()
    assert not plain.has_two_circuits
    assert plain.test_options is None
    names = {field.name for field in dataclasses.fields(ChipOptions)}
    assert names - set(NOISY) == {
        *("chip", "chip_scale", "one_circuit", "two_circuits", "noise_seed"),
        *("gate_range", "gate_leak_to", "update_edges"),
    }
