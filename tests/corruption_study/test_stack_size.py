"""How many runs a campaign trains side by side."""

import json

import pytest

from common.replicas.choose import Choice
from corruption_study import stack_size
from corruption_study.campaign import Campaign, specs_of
from corruption_study.config import TrainConfig


@pytest.mark.parametrize(
    ("model_type", "cuda", "sizes"),
    [("mlp", False, (1, 2, 4)), ("cnn", False, (1,)), ("mlp", True, (1, 4)), ("cnn", True, (1, 4))],
)
def test_networks_that_a_cpu_takes_one_after_the_other_are_not_stacked_there(model_type, cuda, sizes):
    assert stack_size.sizes_up_to(TrainConfig(model_type=model_type, use_cuda=cuda), 8) == sizes


def test_a_campaign_of_cnns_does_not_stack_on_a_cpu_unless_told_to(monkeypatch, tmp_path):
    def largest_wins(make_step, sizes, **options):
        make_step(sizes[-1])
        return Choice(sizes[-1], dict.fromkeys(sizes, 1.0))

    monkeypatch.setattr("corruption_study.stack_size.choose_stack", largest_wins)
    campaign = Campaign(model_types=("mlp", "cnn"), ps=(0.5,), repeats=4, activations=("relu",), dataset="digits")
    specs = specs_of(campaign)
    assert stack_size.settle_stacks(tmp_path, specs, workers=1, wanted=None) == 4
    assert json.loads((tmp_path / stack_size.NAME).read_text()) == {"mlp": 4, "cnn": 1}
    assert stack_size.settle_stacks(tmp_path, specs, workers=1, wanted=2) == 2
    assert json.loads((tmp_path / stack_size.NAME).read_text()) == {"mlp": 2, "cnn": 2}
