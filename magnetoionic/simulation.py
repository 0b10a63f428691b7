"""A simulation: models with consecutive seeds, trained side by side, epoch by epoch, and its files."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.devices import available_cores, describe_device, set_threads
from common.experiment import Result, Start
from common.guessing import guessing_line
from common.progress import Progress
from common.runs import Run
from common.runs.metrics import keep_rows
from magnetoionic import checkpoint
from magnetoionic.build import Setup, setup
from magnetoionic.config import TrainConfig
from magnetoionic.device import FACTS, note_curve
from magnetoionic.network import Epoch, Network
from magnetoionic.outputs import model_facts, write_model
from magnetoionic.relaxation import relaxed
from magnetoionic.side_by_side import side_by_side
from magnetoionic.watch import write_intermediate

OLD_RULE = (
    "warning: an earlier version, which rewrote pairs of devices only past their last pulse and not at it, trained "
    "epochs 1 to {epochs}; for one rule throughout start a new run"
)


@contextlib.contextmanager
def open_simulation(configs: Sequence[TrainConfig], starts: Sequence[Start]) -> Iterator[Simulation]:
    """The simulation of one configuration, whose images and curves are read and checked; see `common.experiment`.

    Raises:
        InputError: a file is missing or damaged, or options contradict it.
    """
    [config], [start] = configs, starts
    set_threads(1, libraries=("numba",))  # one thread per model, so that numbers do not depend on their number
    simulation = Simulation(setup(config, start.folder if start.begun else None), start)
    yield simulation
    simulation.remove_checkpoint()  # only when the run is done on disk: after a kill before that, it can be resumed


class Simulation:
    """The models of one run folder; a trainer of `common.experiment`.

    Args:
        setup: everything to train with.
        start: its folder, and whether it has begun.
    """

    def __init__(self, setup: Setup, start: Start) -> None:
        self._setup, self._config, self._start = setup, setup.config, start
        self.configs = [setup.config]
        self._threads = min(setup.config.threads or available_cores(), setup.config.n_models)
        self._run: Run | None = None
        self._history: list[dict[str, Any]] = []

    @property
    def units(self) -> int:
        """Batches of all epochs and models, those of the tests included."""
        return self._config.epochs * self._batches

    def facts(self, folders: Sequence[Path]) -> list[Mapping[str, Any]]:
        """What run_meta.json holds besides the configuration."""
        # The published notebook needs file names that begin with their folder's name. A simulation that earlier
        # versions began in a folder of another name keeps its own name.
        self._name = str(self._start.meta.get("simulation") or folders[0].resolve().name)
        ready = self._setup
        return [
            {
                "simulation": self._name,
                "device": describe_device("cpu"),
                "threads": self._threads,
                "samples": {"train": len(ready.data.train_y), "test": len(ready.data.test_y)},
                "relaxation_ratio": ready.relaxation.ratio if ready.relaxation else None,
                **({FACTS: ready.device.facts} if ready.device else {}),
            }
        ]

    def begin(self, runs: Sequence[Run], progress: Progress) -> None:
        """Build the models and load the checkpoint, if there is one."""
        [self._run], self._progress, config = runs, progress, self._config
        if not config.quiet:
            progress.echo(f"{config.n_models} model(s), {self._threads} at a time, in {self._run.folder}")
        if self._setup.device:
            note_curve(self._setup.device, self._run)
        self._models = self._setup.models()
        self._history, rule = checkpoint.load(self._run.folder, self._models)
        keep_rows(self._run.folder, len(self._history))
        progress.skip(len(self._history) * self._batches)
        if rule < checkpoint.RULE and self._history:
            self._run.log(OLD_RULE.format(epochs=len(self._history)))
        if len(self._history) > config.switch_epoch and len(config.fields) == 2:
            for model in self._models:
                for layer in model.layers:
                    layer.devices.use_curve(self._setup.curves[1])

    def advance(self) -> bool:
        """Train and test every model for an epoch.

        Raises:
            RunError: a loss, or an array of a model, is not finite.
            Interrupted: a signal came; the last complete epoch is on disk.
        """
        epoch = len(self._history) + 1
        if epoch > self._config.epochs:
            return False
        start, config, run = time.perf_counter(), self._config, self._running
        if len(config.fields) == 2 and epoch == config.switch_epoch + 1:
            for model in self._models:
                change_field(model, self._setup.curves[1])

        def work(model: Network, beat: Callable[[], None]) -> tuple[Epoch, float]:
            trained = model.train_epoch(self._setup.train, epoch, beat)
            model.check_finite(epoch)
            return trained, model.accuracy(self._setup.test, epoch, beat=beat)

        ended = side_by_side(work, self._models, self._threads, run.beat, self._progress)
        losses, trained = [one.loss for one, _ in ended], [one.accuracy for one, _ in ended]
        tested = [accuracy for _, accuracy in ended]
        gradients = [list(one.gradients) for one, _ in ended]
        last = [one.last_loss for one, _ in ended]
        self._history.append({"loss": losses, "last_loss": last, "accuracy": tested, "gradients": gradients})
        seconds, loss = time.perf_counter() - start, float(np.mean(losses))
        run.metrics(
            {
                "epoch": epoch,
                "field": config.fields[len(config.fields) == 2 and epoch > config.switch_epoch],
                "train_loss": loss,
                "train_acc": float(np.mean(trained)),
                "test_acc": float(np.mean(tested)),
                "test_acc_std": float(np.std(tested)),
                **{f"test_acc_{number}": accuracy for number, accuracy in enumerate(tested)},
                "epoch_s": round(seconds, 3),
            }
        )
        checkpoint.save(run.folder, self._models, self._history)
        text = f"epoch {epoch}: loss {loss:.4f}, test accuracy {_percent(tested)}"
        self._progress.describe(text)
        run.log(f"{text} ({seconds:.1f} s)")
        if epoch == 1 and (warning := guessing_line(epoch, loss)):
            run.log(warning)
        return True

    def finish(self) -> list[Result]:
        """Test after field relaxation, and write the files of every model."""
        run, accuracies = self._running, self._history[-1]["accuracy"]
        for number, model in enumerate(self._models):
            write_intermediate(self._setup, model, run.folder, f"{self._name}-{number}")
        batches = self._config.epochs * len(self._setup.train)
        weights = [state_dict(model, batches) for model in self._models]
        swapped = self._relaxed_accuracies()
        if device := self._setup.ends_measured:
            weights = [device.in_file_units(arrays) for arrays in weights]
        for number, arrays in enumerate(weights):
            swap = swapped[number] if swapped else None
            losses = self._history[-1].get("last_loss", self._history[-1]["loss"])  # earlier versions kept none
            facts = model_facts(self._config, number, losses[number], accuracies[number], swap)
            if self._setup.device:
                facts[FACTS] = self._setup.device.facts
            write_model(run.folder, f"{self._name}-{number}", arrays, self._histories(number), facts)
        final = {"test_acc": float(np.mean(accuracies)), "test_acc_std": float(np.std(accuracies))}
        text = f"test accuracy {_percent(accuracies)}"
        if swapped:
            final |= {"swap_acc": float(np.mean(swapped)), "swap_acc_std": float(np.std(swapped))}
            text += f", after field relaxation {_percent(swapped)}"
        run.log(f"{text} ({len(accuracies)} models)")
        return [Result("final_test_acc", {**final, "epoch": self._config.epochs})]

    def remove_checkpoint(self) -> None:
        """Remove the checkpoint once the run is done on disk."""
        if self._run is not None:
            checkpoint.remove(self._run.folder)

    @property
    def _batches(self) -> int:
        """Number of batches in an epoch of all models."""
        return self._config.n_models * (len(self._setup.train) + len(self._setup.test))

    @property
    def _running(self) -> Run:
        assert self._run is not None
        return self._run

    def _relaxed_accuracies(self) -> list[float]:
        """Accuracies of the models after field relaxation, which changes the models; none for single devices."""
        if self._setup.relaxation is None:
            return []
        for model in self._models:
            relaxed(model, self._setup.relaxation)
        images = self._setup.relaxed_test()

        def work(model: Network, beat: Callable[[], None]) -> float:
            return model.accuracy(images, "relaxed", beat=beat)

        return side_by_side(work, self._models, self._threads, self._running.beat)

    def _histories(self, number: int) -> dict[str, NDArray[Any]]:
        """Epoch by epoch, of one model; the published gradients are the mean over all its devices."""
        by_layer = np.array([record["gradients"][number] for record in self._history])
        devices = [layer.devices.weight.size for layer in self._models[number].layers]
        return {
            "accuracies": np.array([record["accuracy"][number] for record in self._history]),
            "gradients": np.average(by_layer, axis=1, weights=devices).astype(np.float32),
            "gradients-by-layer": by_layer,
        }


def change_field(model: Network, curve: Any) -> None:
    """Every device of a model keeps its pulse count and takes its value on another curve."""
    for layer in model.layers:
        layer.devices.change_curve(curve)


def state_dict(model: Network, batches: int = 0) -> dict[str, Any]:
    """The arrays of a model, trained on so many batches, by the names that `magnetoionic.modules.Network` gives them.

    layers.0 flattens; layers.1 is linear, layers.2 its batch normalization, layers.3 ReLU; layers.4 linear, and so on.
    """
    found: dict[str, Any] = {}
    for number, layer in enumerate(model.layers):
        at = 1 + 3 * number
        found |= {f"layers.{at}.{name}": array.copy() for name, array in layer.devices.arrays().items()}
        found |= {f"layers.{at + 1}.{name}": array.copy() for name, array in layer.statistics().items()}
        found[f"layers.{at + 1}.num_batches_tracked"] = np.array(batches)
    return found


def _percent(accuracies: Sequence[float]) -> str:
    return f"{100 * np.mean(accuracies):.2f} +- {100 * np.std(accuracies):.2f} %"
