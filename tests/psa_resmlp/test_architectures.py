"""The 98 architectures, their notation, and parameter counts against networks built with torch."""

import itertools

import pytest

from common.errors import InputError
from psa_resmlp.study.architectures import (
    ARCHITECTURES,
    ASYMMETRIC,
    MATCHED,
    build,
    chosen,
    get_asymmetric_models,
    parse,
    parse_list,
    read_configurations,
)


def test_the_98_in_the_order_of_the_study():
    names = [one.name for one in ARCHITECTURES]
    assert len(names) == len(set(names)) == 98
    assert names[:3] == ["1*2048", "1*1024", "1*512"]
    assert names[10:13] == ["1*2", "2*939", "2*588"]
    assert names[20:23] == ["2*4", "4*632", "4*425"]
    assert names[29:38] == ["4*17", "115*115", "91*91", "71*71", "56*56", "44*44", "35*35", "32*32", "31*31"]
    assert names[66:69] == ["2*2", "1*1", "632*4"]
    assert names[76:79] == ["17*4", "939*2", "588*2"]
    assert names[86:89] == ["4*2", "2048*1", "1024*1"]
    assert names[-1] == "2*1"


def test_thirty_are_asymmetric_and_nothing_else_is():
    assert len(ASYMMETRIC) == 30
    assert len(MATCHED) == 68
    assert get_asymmetric_models() == [one.name for one in ARCHITECTURES[68:]]
    assert parse("2*1").asymmetric
    assert not parse("1*2").asymmetric
    assert not parse("4*4").asymmetric


@pytest.mark.parametrize(
    ("text", "name", "folder"),
    [
        ("[18*18]", "18*18", "18x18"),
        ("18*18", "18*18", "18x18"),
        ("18x18", "18*18", "18x18"),
        (" [ 4 * 4 , 2*8 ] ", "4*4,2*8", "4x4-2x8"),
        ("[4*4, 4*4, 2*8]", "8*4,2*8", "8x4-2x8"),
        ("[1*4,2*8,3*4]", "1*4,2*8,3*4", "1x4-2x8-3x4"),
        ("[1*4,2*8,3*8,1*4]", "1*4,5*8,1*4", "1x4-5x8-1x4"),
    ],
)
def test_notation(text, name, folder):
    one = parse(text)
    assert (one.name, one.folder) == (name, folder)
    assert parse(str(one)) == one


@pytest.mark.parametrize(
    "text", ["", "[]", "[4*4", "4*4]", "4**4", "4", "[4*4,]", "a*b", "0*4", "4*0", "-1*4", "1*100001", "٣*٤", "1.5*2"]
)
def test_what_is_no_notation_says_what_is_allowed(text):
    with pytest.raises(InputError, match=r"allowed: count\*width"):
        parse(text)


def test_lists():
    assert [one.name for one in parse_list("1*1024, 18*18")] == ["1*1024", "18*18"]
    with pytest.raises(InputError, match="has no layers"):
        build([])


def test_known_parameter_counts():
    for name, count in (("1*2048", 10_020_874), ("18*18", 26_632), ("32*4", 4_470)):
        assert parse(name).parameters("resmlp") == count
    # As the recorded tables of the plain MLP have them.
    for name, count in (("1*2048", 1_628_170), ("2*939", 1_629_175), ("115*115", 1_612_195), ("32*32", 58_186)):
        assert parse(name).parameters("mlp") == count


def resmlp(torch, stacks):
    class Block(torch.nn.Module):
        def __init__(self, width):
            super().__init__()
            self.first, self.second = torch.nn.Linear(width, width), torch.nn.Linear(width, width)

        def forward(self, x):
            return torch.relu(x + self.second(torch.relu(self.first(x))))

    layers, width = [], 784
    for count, to in stacks:
        layers += [torch.nn.Linear(width, to), torch.nn.ReLU(), *(Block(to) for _ in range(count))]
        width = to
    return torch.nn.Sequential(*layers, torch.nn.Linear(width, 10))


def mlp(torch, stacks):
    widths = [784, *(to for count, to in stacks for _ in range(count))]
    layers = [torch.nn.Linear(a, b) for a, b in itertools.pairwise(widths)]
    return torch.nn.Sequential(*layers, torch.nn.Linear(widths[-1], 10))


MIXED = (parse("[4*4, 2*8]"), parse("[1*16,3*5,2*16]"))


@pytest.mark.parametrize(("family", "network"), [("resmlp", resmlp), ("mlp", mlp)])
def test_parameters_and_layers_of_all_are_those_of_networks(family, network, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.nn.Linear, "reset_parameters", lambda layer: None)  # numbers do not matter here
    with torch.device("meta"):
        for one in (*ARCHITECTURES, *MIXED):
            model = network(torch, one.stacks)
            assert one.parameters(family) == sum(value.numel() for value in model.parameters()), one
            linears = [layer for layer in model.modules() if isinstance(layer, torch.nn.Linear)]
            assert one.linears(family) == tuple((layer.in_features, layer.out_features) for layer in linears), one


def test_the_formulas():
    for one in ARCHITECTURES:
        d, w = one.stacks[0]
        assert one.parameters("resmlp") == 785 * w + 2 * d * (w * w + w) + 10 * w + 10
        assert one.parameters("mlp") == 785 * w + (d - 1) * (w * w + w) + 10 * w + 10
    with pytest.raises(InputError, match="allowed: resmlp, mlp"):
        ARCHITECTURES[0].parameters("cnn")


def test_lists_in_files(tmp_path):
    path = tmp_path / "configurations.txt"
    path.write_text("# deep ones\n\n632*4\n[4*4, 2*8]\n632*4\n")
    assert [one.name for one in read_configurations(path)] == ["632*4", "4*4,2*8"]
    assert chosen(path) == read_configurations(path)
    assert chosen(None) == list(ARCHITECTURES)
    path.write_text("632*4\n\nsix*4\n")
    with pytest.raises(InputError, match=r"line 3: architecture 'six\*4' cannot be read"):
        read_configurations(path)
    path.write_text("# none\n")
    with pytest.raises(InputError, match="is empty"):
        read_configurations(path)
    with pytest.raises(InputError, match="no such file"):
        read_configurations(tmp_path / "missing")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8 text"):
        read_configurations(path)
