"""The recorded experiments by one command each, to every digit that is known of them."""

import numpy as np
import pytest

from analog_nmos.tasks.digits_pairs import DigitsPairs
from analog_nmos.tasks.ionosphere import Ionosphere
from analog_nmos.tasks.regression import Regression
from analog_nmos.tasks.xor import Xor
from analog_nmos.training.config import GATE_HIGH_V, GATE_LOW_V
from common.runs import load_run

TRAIN = "analog_nmos.train"
QUIET = ("--quiet", "--no-plots")


@pytest.fixture
def train(here, tmp_path):
    """Train for a task and return the run, by any words of the command."""

    def of(*words, name="run"):
        here(TRAIN, *words, "--run-dir", name, *QUIET)
        return load_run(tmp_path / name)

    return of


@pytest.fixture
def ionosphere_root(mnist_root):
    if not (mnist_root / "ionosphere").is_dir():
        pytest.skip(f"no ionosphere in {mnist_root}")
    return mnist_root


def test_xor_of_the_figure(train):
    record = train("xor", 3, "--epochs", 1)
    out_V = record.array("0_vout_train_epoch1")
    assert (out_V[:, 0] - out_V[:, 1]).round(5).tolist() == [0.01275, 0.06123, 0.02026, 0.08761]
    assert record.meta["validated_on"] == "training set"
    assert record.meta["classes"] == ["0", "1"]
    assert record.array("test_x").tolist() == [[0, 0], [0, 0.45], [0.45, 0], [0.45, 0.45]]
    assert record.array("0_val_confusion_epoch1").sum() == 4


def test_xor_visits_samples_as_the_figure_did():
    config, rng = Xor(seed=3), np.random.RandomState(3)
    config.initial_gates(rng, 32)
    assert config.epoch_order(rng, 1, 4).tolist() == [2, 3, 1, 0]


@pytest.mark.parametrize(("words", "mse"), [((), "5.48e-04"), (("--rs-clamp", 0.01), "5.47e-04")])
def test_regression_of_the_figure(train, words, mse):
    record = train("regression", "--epochs", 100, *words)
    history = record.array("0_val_mse")
    assert f"{history[0]:.4e}" == "1.7029e-03"
    assert f"{history[100]:.2e}" == mse
    assert record.result["final_val_mse"] == history[100]
    assert record.result["score"] == history[1:].min()
    assert "val_acc" not in record.metrics
    assert not list(record.folder.glob("*confusion*"))
    assert record.array("0_vout_train_epoch100").shape == (8, 1)


def test_ionosphere_of_the_record(train, ionosphere_root):
    record = train("ionosphere", "--epochs", 2, "--data-root", ionosphere_root)
    assert record.result["final_val_acc"] == 62 / 71
    assert record.meta["topology"]["edges"] == 147
    assert record.meta["samples"] == {"train": 280, "val": 71, "test": 71}


@pytest.mark.parametrize("words", [("mse", "--delta", 0.02, "--one-hot", 0.5), ("cross-entropy", "--delta", 0.005)])
def test_ionosphere_with_other_objectives(train, ionosphere_root, words):
    more = ("--softmax-temp", 0.005, "--gamma", 2) if words[0] == "cross-entropy" else ()
    record = train("ionosphere", "--objective", *words, *more, "--epochs", 4, "--data-root", ionosphere_root)
    assert record.result["final_val_acc"] > 0.7  # the more frequent class is 0.64 of all


def test_ionosphere_may_choose_on_a_validation_split(train, ionosphere_root):
    record = train("ionosphere", "--epochs", 1, "--val-split", 0.2, "--final-test", "--data-root", ionosphere_root)
    assert record.meta["samples"] == {"train": 224, "val": 56, "test": 71}
    assert record.result["selected_on"] == "validation split"


@pytest.mark.slow
def test_pairs_of_digits_of_the_record(train):
    record = train("digits-pairs")
    updates = record.array("0_hinge_active_frac") * 1437
    assert 3400 <= updates.sum() <= 3750
    assert 0.983 <= record.array("0_train_acc")[-1] <= 0.990
    assert record.array("0_vout_test_epoch15").shape == (360, 20)


@pytest.mark.slow
def test_prototypes_are_of_pairs_too(train):
    words = ("--objective", "prototype", "--delta", 0.3, "--train-limit", 400, "--test-limit", 100, "--epochs", 2)
    record = train("digits-pairs", *words)
    assert record.array("0_proto_out_epoch2").shape == (10, 10)
    assert record.result["final_val_acc"] > 0.6


def test_pairs_of_digits_start_as_torch_and_are_shuffled_whatever_the_seed():
    torch = pytest.importorskip("torch")
    for seed in (0, 7):
        config, rng = DigitsPairs(seed=seed), np.random.RandomState(seed)
        u = torch.rand(1280, generator=torch.Generator().manual_seed(seed))
        expected = (2.5 + 2 * (2 * u - 1)).clamp(GATE_LOW_V, GATE_HIGH_V).numpy()
        assert np.array_equal(config.initial_gates(rng, 1280), expected.astype(float))
        generator = np.random.default_rng(0)
        for epoch in (1, 2, 3):
            assert np.array_equal(config.epoch_order(rng, epoch, 50), generator.permutation(50))


def test_all_edges_of_pairs_of_digits_are_there():
    network = DigitsPairs().network(DigitsPairs(seed=1).load())
    assert (network.n_inputs, network.n_outputs, network.n_edges) == (64, 20, 1280)
    assert set(network.edges_D) == set(network.input_nodes)


def test_the_ionosphere_network_is_as_published():
    network = Ionosphere().network(None)
    pairs = list(zip(network.edges_D.tolist(), network.edges_S.tolist(), strict=True))
    assert len(set(pairs)) == 147
    first, (low, high), hidden = network.input_nodes[0], network.out_nodes, network.hidden_nodes.tolist()
    assert (network.n_inputs, len(hidden)) == (34, 5)
    assert [(first, low), (first, high), (first, hidden[0]), (first, hidden[1])] == [p for p in pairs if p[0] == first]
    third = network.input_nodes[2]
    assert (third, hidden[4]) in pairs
    assert (third, hidden[0]) in pairs
    assert pairs[-1] == (low, high)


RECORDED = {
    "xor": (3,),
    "regression": (),
    "digits-pairs": ("--train-limit", 40, "--test-limit", 20),
    "ionosphere": (),
}


@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize("task", RECORDED)
def test_both_solvers_decide_alike_for_two_epochs(here, tmp_path, request, task):
    words = (*RECORDED[task], "--epochs", 2, *QUIET)
    if task == "ionosphere":
        words = (*words, "--data-root", request.getfixturevalue("ionosphere_root"))
    for backend in ("native", "ngspice"):
        here(TRAIN, task, *words, "--backend", backend, "--run-dir", backend)
    native, ngspice = (load_run(tmp_path / name) for name in ("native", "ngspice"))
    for name in ("0_train_acc", "0_val_acc", "0_hinge_active_frac"):
        if (native.folder / f"{name}.npy").exists():
            # Untrained, equal gates give some samples equal outputs, which ngspice's tolerances tell apart.
            of_training = slice(-2, None)
            assert np.array_equal(native.array(name)[of_training], ngspice.array(name)[of_training]), name
    assert np.allclose(native.array("0_vout_test_epoch2"), ngspice.array("0_vout_test_epoch2"), atol=2e-3)
    if task == "regression":
        assert np.allclose(native.array("0_val_mse"), ngspice.array("0_val_mse"), rtol=1e-2)


def test_fixed_orders():
    rng = np.random.RandomState(0)
    assert Regression().epoch_order(rng, 5, 8).tolist() == list(range(8))
    assert DigitsPairs(order="fixed").epoch_order(rng, 5, 3).tolist() == [0, 1, 2]
    assert Xor(order="fixed").epoch_order(rng, 1, 4).tolist() == [0, 1, 2, 3]
