"""What the four trainers have in common as commands."""

from __future__ import annotations

from analog_nmos.training.config import TrainerConfig
from common.experiment import Experiment


def trainer_of(prog: str, description: str, config: type[TrainerConfig]) -> Experiment:
    """A trainer of this suite; `config` names its objective and whether it prunes."""
    return Experiment(
        prog=prog,
        package="analog_nmos",
        job=config.job,
        description=description,
        config=config,
        open="analog_nmos.training.trainer:open_trainer",
        estimate="analog_nmos.training.estimate:describe",
        plots="analog_nmos.figures.curves:curves_of_run",
        plots_command="nmos-figures",
        score="selected_val_acc",
        replicas={"backend": "native"},
    )
