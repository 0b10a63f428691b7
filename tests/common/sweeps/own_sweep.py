"""A sweep with an axis of things that users bring along as package.module:Name."""

from dataclasses import dataclass

from common.cli import option
from common.plugins import Registry
from common.sweeps import Axis, Sweep
from common.sweeps.grid import make_specs


class Rule:
    """What a member must be."""

    factor = 1.0


RULES = Registry("rule", Rule, {"plain": Rule})


@dataclass(frozen=True, kw_only=True)
class Config:
    """Options of a run."""

    seed: int = option(0, "seed", low=0)
    rule: str = option("plain", "how to learn", choices=RULES)


def train(config, folder):
    """The result depends on the rule's own number."""
    return {"selected_val_acc": RULES.get(config["rule"]).factor}


SWEEP = Sweep(
    prog="own-sweep",
    package="demo",
    name="own",
    description="A sweep for tests.",
    config=Config,
    axes=(Axis("seed", (0,)), Axis("rule", ("plain",))),
    specs=lambda axes: make_specs(
        axes, Config, lambda labels: f"seed{labels['seed']}_{labels['rule']}", ("seed", "rule")
    ),
    function="own_sweep:train",
    workers=1,
)
