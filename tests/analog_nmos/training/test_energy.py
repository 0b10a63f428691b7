"""--energy: two more columns, the numbers of `nmos-energy`, and no other number changed."""

import pandas as pd
import pytest

from analog_nmos.auto_prune_trainer import AutoPruneConfig
from analog_nmos.auto_prune_trainer import run as auto_prune
from analog_nmos.cards.model_card import default_card_path
from analog_nmos.deployment import load_trained
from analog_nmos.deployment.energy import energy_of
from analog_nmos.energy.options import CapacitanceOptions
from analog_nmos.tasks.iris import Iris
from analog_nmos.tasks.xor import Xor
from analog_nmos.train import run

PLAIN = {"plots": False, "quiet": True}
COLUMNS = ["power_W", "energy_J"]


def metrics(folder):
    return pd.read_csv(folder / "metrics.csv")


def without_seconds(table):
    return table[[name for name in table if not name.endswith("_s") and name not in COLUMNS]]


@pytest.mark.parametrize(
    "options", [{}, {"read_noise": "0.01", "gate_noise": 0.01}, {"two_circuits": True, "test_temp": 60.0}], ids=len
)
@pytest.mark.parametrize("kind", [Xor, Iris])
def test_every_epoch_has_power_and_energy_and_nothing_else_changes(tmp_path, kind, options):
    plain = metrics(run(kind(seed=1, epochs=4, **options, **PLAIN), tmp_path / "plain"))
    found = metrics(run(kind(seed=1, epochs=4, energy=True, **options, **PLAIN), tmp_path / "energy"))
    assert [*plain, *COLUMNS] == [*found[[*plain]], *COLUMNS]
    pd.testing.assert_frame_equal(without_seconds(plain), without_seconds(found), check_exact=True)
    assert (found[COLUMNS] > 0.0).all().all()
    assert not set(COLUMNS) & set(plain)
    assert len(found) == 5  # epoch 0 too


def test_they_are_the_numbers_of_the_command(tmp_path):
    held = {"node_cap": 3e-12, "gate_cap": 1e-12}
    folder = run(Xor(seed=2, epochs=3, energy=True, **held, **PLAIN), tmp_path / "run")
    last = metrics(folder).iloc[-1]
    costs = energy_of(load_trained(folder, "last"), CapacitanceOptions(**held), 4).inference.costs
    assert last.power_W == pytest.approx(costs.power.total_W.mean(), rel=1e-6)
    assert last.energy_J == pytest.approx(costs.energy_J.mean(), rel=1e-3)


def test_few_samples_get_a_settling_time_and_all_have_power(tmp_path):
    few, all_ = (
        metrics(run(Iris(seed=1, epochs=1, energy=True, energy_samples=count, **PLAIN), tmp_path / str(count)))
        for count in (1, 30)
    )
    assert (few.power_W == all_.power_W).all()
    assert (few.energy_J != all_.energy_J).all()


def test_a_resumed_run_ends_in_the_same_numbers(tmp_path, command):
    words = ("xor", "1", "--epochs", 6, "--energy", "--no-plots", "--quiet", "--snapshot-every", 1)
    command("analog_nmos.train", *words, "--run-dir", tmp_path / "whole")
    command("analog_nmos.train", *words[:2], "--epochs", 3, *words[4:], "--run-dir", tmp_path / "two")
    command("analog_nmos.train", "--resume", tmp_path / "two", "--epochs", 6, "--quiet")
    whole, two = metrics(tmp_path / "whole"), metrics(tmp_path / "two")
    pd.testing.assert_frame_equal(whole[COLUMNS], two[COLUMNS], check_exact=True)
    assert len(two) == 7


def test_pruned_networks(tmp_path, sparse_digits):
    config = AutoPruneConfig(
        seed=1, epochs=3, vg_cutoff_epochs=1, vg_cutoff_ratio=1.6, train_limit=20, test_limit=10, energy=True,
        backend="native", topology=sparse_digits, vg_init_lo=0.5, **PLAIN,
    )  # fmt: skip
    found = metrics(auto_prune(config, tmp_path / "run"))
    assert found.edges.iloc[-1] < 60
    assert (found[COLUMNS] > 0.0).all().all()


def test_capacitances_without_energy_are_refused(here):
    answer = here("analog_nmos.train", "xor", "--node-cap", "2e-12", code=2)
    assert answer.err == "error: --node-cap needs --energy\n"


def test_replicas_have_the_numbers_that_they_have_alone(here, tmp_path):
    lines = ['{"seed": 1, "energy": true}', '{"seed": 2}', '{"seed": 3, "energy": true, "node_cap": 2e-12}']
    (tmp_path / "rows.jsonl").write_text("\n".join(lines) + "\n")
    here(
        "analog_nmos.train",
        "iris",
        "--epochs",
        3,
        "--no-plots",
        "--quiet",
        "--replicas",
        "rows.jsonl",
        "--run-dir",
        "r",
    )
    alone = run(Iris(seed=3, epochs=3, energy=True, node_cap=2e-12, **PLAIN), tmp_path / "alone")
    together = [metrics(tmp_path / "r" / f"replica_000{row}") for row in range(3)]
    pd.testing.assert_frame_equal(together[2][COLUMNS], metrics(alone)[COLUMNS], check_exact=True)
    assert [set(COLUMNS) <= set(one) for one in together] == [True, False, True]


def test_a_card_without_known_currents_is_refused_before_the_run(here, tmp_path, needs_ngspice):
    text = default_card_path().read_text().replace("level=1 ", "level=1 tox=1e-7 ")
    (tmp_path / "oxide.lib").write_text(text)
    words = ("xor", "--backend", "ngspice", "--model-card", "oxide.lib", "--energy", "--run-dir", "r")
    answer = here("analog_nmos.train", *words, code=2)
    assert answer.err.startswith("error: power and energy need currents of the native solver's transistor: native does")
    assert "tox" in answer.err
    assert not (tmp_path / "r").exists()
