"""Which layers a mode may damage, for both families."""

import pytest

from common.errors import InputError
from psa_resmlp.study.architectures import parse
from psa_resmlp.study.modes import ABLATIVE_MODES, BASELINE_MODES, MODE_NAMES, damageable, get_mode


def test_six_modes_in_the_order_of_the_tables():
    assert MODE_NAMES == ("none", "decay", "dropout", "full", "hidden", "output")
    assert [get_mode(name).title for name in MODE_NAMES] == ["None", "Decay", "Dropout", "Full", "Hidden", "Output"]
    assert BASELINE_MODES == ("none", "decay", "dropout")
    assert ABLATIVE_MODES == ("full", "hidden", "output")


def test_only_hidden_cuts_what_leaves_the_neuron_and_draws_among_all_neurons():
    assert [name for name in MODE_NAMES if get_mode(name).clears_column] == ["hidden"]
    assert [name for name in MODE_NAMES if get_mode(name).by_layer] == ["full", "output"]


@pytest.mark.parametrize(
    ("family", "mode", "layers"),
    [
        ("resmlp", "full", list(range(8))),  # all 2D + 2
        ("resmlp", "hidden", [1, 2, 3, 4, 5, 6]),  # between first and last
        ("resmlp", "output", [7]),
        ("mlp", "full", [0, 1, 2, 3]),  # all D + 1
        ("mlp", "hidden", [0, 1, 2]),  # all but the last, the input layer too
        ("mlp", "output", [3]),
        *((family, mode, []) for family in ("resmlp", "mlp") for mode in ("none", "decay", "dropout")),
    ],
)
def test_targets_of_three_layers(family, mode, layers):
    linears = parse("3*5").linears(family)
    found = get_mode(mode).targets(parse("3*5"), family)
    assert list(found) == layers
    if mode == "hidden":
        assert sum(linears[position][1] for position in found) == {"resmlp": 2 * 3 * 5, "mlp": 3 * 5}[family]


def test_blocks_as_wide_as_the_image_have_no_layer_before_them():
    wide = parse("1*784,1*5")
    assert wide.linears("resmlp") == ((784, 784), (784, 784), (784, 5), (5, 5), (5, 5), (5, 10))
    assert wide.linears("mlp") == ((784, 784), (784, 5), (5, 10))
    assert damageable(get_mode("hidden"), wide, "resmlp") == {0: 784, 1: 784, 2: 5, 3: 5, 4: 5}
    assert set(damageable(get_mode("full"), wide, "resmlp")) == set(range(6))
    assert set(damageable(get_mode("hidden"), parse("1*5,1*784"), "resmlp")) == set(range(1, 6))


def test_unknown_names():
    with pytest.raises(InputError, match="is not one of none, decay, dropout, full, hidden, output, package"):
        get_mode("half")
    with pytest.raises(InputError, match="allowed: resmlp, mlp"):
        get_mode("full").targets(parse("3*5"), "cnn")
