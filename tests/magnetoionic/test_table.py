"""Tables of simulations from files that are damaged or were never ours."""

import json
import random

import pytest

from common.errors import InputError
from magnetoionic.figures.table import read_table

FACTS = {
    "task": "digits", "layers": [8], "epochs": 1, "resistor_noise": 0.0, "seed": 1, "compat": None, "accuracy": 50.0,
    "swap_accuracy": 40.0,
    "optimizer_parameters": {
        "lr": 1.0, "field": "double-linear", "device_variability": 0.0, "clipping": 0.0, "physical_clipping": False,
    },
}  # fmt: skip


@pytest.fixture
def read(tmp_path):
    """The table of a folder with a good model and this text as another file."""

    def made(text, name="run-1.json"):
        (tmp_path / "run-0.json").write_text(json.dumps(FACTS))
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_table([tmp_path])

    return made


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a":' * 100_000, "is nested too deeply"),
        ("{\xff".encode("latin-1"), "is not UTF-8 text"),
        (json.dumps(FACTS)[:-3], "is not JSON"),
        (json.dumps(FACTS | {"optimizer_parameters": [1]}), "is damaged"),
        (json.dumps({name: FACTS[name] for name in FACTS if name != "layers"}), "is damaged (no layers)"),
        (json.dumps(FACTS | {"accuracy": "fine"}), "is damaged (accuracy is not a finite number)"),
        (json.dumps(FACTS | {"accuracy": None}), "is damaged (accuracy is not a finite number)"),
        (json.dumps(FACTS | {"layers": 5}), "is damaged"),
        (json.dumps(FACTS | {"seed": float("nan")}), "is damaged ("),
    ],
)
def test_a_damaged_model_is_a_line(read, text, reason):
    with pytest.raises(InputError, match=r"simulation .*run-1\.json") as caught:
        read(text)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[1, 2]", "{}", '{"other": 1}', ""])
def test_json_of_others_is_left_out(read, text):
    assert len(read(text)) == 1


@pytest.mark.parametrize("text", [b"\xff", "", "a,b\n1,2,3\n", '"', "task,lr\nMNIST,5\n"])
def test_a_damaged_table_is_a_line(read, text):
    with pytest.raises(InputError, match=r"table .*accuracies\.csv") as caught:
        read(text, "accuracies.csv")
    assert "\n" not in str(caught.value)


def test_two_hundred_damaged_models(read):
    whole, chance = json.dumps(FACTS).encode(), random.Random(11)
    refused = 0
    for _ in range(200):
        damaged, at = bytearray(whole), chance.randrange(len(whole))
        if chance.random() < 0.7:
            damaged[at] = chance.randrange(256)
        else:
            del damaged[at : at + chance.randrange(1, 30)]
        try:
            read(bytes(damaged))
        except InputError:
            refused += 1
    assert 50 < refused < 200
