"""`nmos-verify` compares the solvers, and says so when they disagree."""

import re

import numpy as np
import pytest

from analog_nmos import verify
from analog_nmos.backends.native import NativeBackend
from analog_nmos.topology import dense
from common.cli import build

pytestmark = pytest.mark.usefixtures("needs_ngspice")


def largest(text):
    """Differences in volts at the circuit's own and at tight tolerances."""
    return [float(number) for number in re.findall(r"([\d.e+-]+) V  ", text)]


@pytest.mark.parametrize("tie", ["source", "ground", "floating"])
def test_the_shipped_network_agrees(here, tie):
    done = here("analog_nmos.verify", "--body-tie", tie, "--samples", 2)
    own, tight = largest(done.out)
    assert own < 1e-5
    assert tight < 1e-8
    assert done.out.count("0/2") == 2
    assert "640 edges, body " + tie in done.out


@pytest.mark.parametrize(("tie", "gate_ref"), [("drain", "ground"), ("floating", "drain"), ("source", "body")])
def test_it_agrees_wherever_body_and_gate_source_are(here, tie, gate_ref):
    links = ("--body-tie", tie, "--gate-ref", gate_ref, "--body-res", 0)
    done = here("analog_nmos.verify", *links, "--samples", 2)
    own, tight = largest(done.out)
    assert own < 1e-4
    assert tight < 1e-8
    reference = "" if gate_ref == "ground" else f"gate on {gate_ref}, "
    assert f"640 edges, body {tie}, {reference}2 samples" in done.out


def test_a_run_is_verified_with_its_own_gates(here, sparse_digits, tmp_path):
    options = ("--train-limit", 30, "--test-limit", 20, "--epochs", 2, "--topology", sparse_digits, "--vminus", -0.1)
    here("analog_nmos.dense_trainer", *options, "--body-tie", "source", "--run-dir", "run")
    done = here("analog_nmos.verify", "run", "--samples", 4)
    assert "run, epoch 2: 60 edges, body source, 4 samples" in done.out
    _, circuit = verify.load(build(verify.VerifyConfig, {"run_dir": tmp_path / "run", "samples": 4}))
    assert circuit.options.vminus == -0.1
    assert np.array_equal(circuit.gate_V, np.load(tmp_path / "run" / "0_vg_unique_epoch2.npy"))


@pytest.mark.parametrize("mode", ["held", "current"])
def test_a_run_is_verified_with_its_own_nudges(here, tmp_path, mode):
    options = ("--nudge-mode", mode, "--nudge-conductance", "2e-4", "--epochs", 3, "--no-plots", "--quiet")
    here("analog_nmos.train", "xor", 3, *options, "--run-dir", "run")
    own, tight = largest(here("analog_nmos.verify", "run").out)
    assert own < 1e-5
    assert tight < 1e-8
    _, circuit = verify.load(build(verify.VerifyConfig, {"run_dir": tmp_path / "run"}))
    assert circuit.options.nudge_mode == mode
    assert circuit.conductance_S == 2e-4


def test_solvers_that_disagree_end_in_an_error(here, tmp_path, monkeypatch):
    dense(5, 3).save(tmp_path / "small.npz")
    gates = NativeBackend.set_gates
    monkeypatch.setattr(NativeBackend, "set_gates", lambda self, gate_V: gates(self, gate_V + 1e-3))
    failed = here("analog_nmos.verify", "--topology", "small.npz", "--samples", 3, code=1)
    assert failed.err.startswith("error: the solvers disagree: the largest difference is ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nowhere",), "run folder nowhere: no run_meta.json"),
        (("--topology", "none.npz"), "topology none.npz: no such file"),
        (("--samples", 0), "argument --samples: 0 is out of range"),
        (("--vg-lo", 7), "--vg-lo 7 must lie below --vg-hi 6"),
    ],
)
def test_bad_input_is_one_line(here, words, message):
    failed = here("analog_nmos.verify", *words, code=2)
    assert message in failed.err
    assert failed.err.count("\n") == 1
