"""A simulation: models with seeds in a row, trained side by side, epoch by epoch, and its files."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from common.guessing import guessing_line
from common.progress import Progress
from common.runs import Run
from common.runs.metrics import keep_rows
from magnetoionic import checkpoint
from magnetoionic.build import Setup
from magnetoionic.device import FACTS
from magnetoionic.network import Epoch, Network
from magnetoionic.outputs import model_facts, write_model
from magnetoionic.relaxation import relaxed
from magnetoionic.watch import write_intermediate

Result = TypeVar("Result")
WAIT_S = 0.2
OLD_RULE = (
    "warning: an earlier version, which rewrote pairs of devices only past their last pulse and not at it, trained "
    "epochs 1 to {epochs}; for one rule throughout start a new run"
)


class _Halted(Exception):
    """A model was stopped inside an epoch because the run ends."""


class Simulation:
    """The models of one run folder.

    Args:
        setup: what to train.
        run: its run folder.
        name: prefix of the files.
        threads: models trained at a time.
    """

    def __init__(self, setup: Setup, run: Run, name: str, threads: int) -> None:
        self._setup, self._config, self._run, self._name, self._threads = setup, setup.config, run, name, threads
        self._models = setup.models()
        self._history: list[dict[str, Any]] = []
        self._halt = threading.Event()

    def train(self, progress: Progress) -> None:
        """Take all models to the last epoch, from the checkpoint if there is one, and write their files.

        Raises:
            RunError: a loss, or an array of a model, is not finite.
            Interrupted: a signal came; the last complete epoch is on disk.
        """
        config = self._config
        self._history, rule = checkpoint.load(self._run.folder, self._models)
        keep_rows(self._run.folder, len(self._history))
        if rule < checkpoint.RULE and self._history:
            self._run.log(OLD_RULE.format(epochs=len(self._history)))
        if len(self._history) > config.switch_epoch and len(config.fields) == 2:
            for model in self._models:
                for layer in model.layers:
                    layer.devices.use_curve(self._setup.curves[1])
        for epoch in range(len(self._history) + 1, config.epochs + 1):
            self._epoch(epoch, progress)
            self._run.stop_if_asked()
        self._finish(progress)

    def _epoch(self, epoch: int, progress: Progress) -> None:
        start, config = time.perf_counter(), self._config
        if len(config.fields) == 2 and epoch == config.switch_epoch + 1:
            for model in self._models:
                change_field(model, self._setup.curves[1])

        def work(model: Network, beat: Callable[[], None]) -> tuple[Epoch, float]:
            trained = model.train_epoch(self._setup.train, epoch, beat)
            model.check_finite(epoch)
            return trained, model.accuracy(self._setup.test, epoch, beat=beat)

        ended = self._side_by_side(work, progress)
        losses, trained = [one.loss for one, _ in ended], [one.accuracy for one, _ in ended]
        tested = [accuracy for _, accuracy in ended]
        gradients = [list(one.gradients) for one, _ in ended]
        last = [one.last_loss for one, _ in ended]
        self._history.append({"loss": losses, "last_loss": last, "accuracy": tested, "gradients": gradients})
        seconds, loss = time.perf_counter() - start, float(np.mean(losses))
        self._run.metrics(
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
        checkpoint.save(self._run.folder, self._models, self._history)
        text = f"epoch {epoch}: loss {loss:.4f}, test accuracy {_percent(tested)}"
        progress.describe(text)
        self._run.log(f"{text} ({seconds:.1f} s)")
        if epoch == 1 and (warning := guessing_line(epoch, loss)):
            self._run.log(warning)

    def _finish(self, progress: Progress) -> None:
        """Field relaxation, files, and the summary."""
        accuracies: list[float] = self._history[-1]["accuracy"]
        swapped: list[float] = []
        for number, model in enumerate(self._models):
            write_intermediate(self._setup, model, self._run.folder, f"{self._name}-{number}")
        batches = self._config.epochs * len(self._setup.train)
        weights = [state_dict(model, batches) for model in self._models]
        if self._setup.relaxation is not None:
            for model in self._models:
                relaxed(model, self._setup.relaxation)
            images = self._setup.relaxed_test()

            def work(model: Network, beat: Callable[[], None]) -> float:
                return model.accuracy(images, "relaxed", beat=beat)

            swapped = self._side_by_side(work, None)
        if device := self._setup.ends_measured:
            weights = [device.in_file_units(arrays) for arrays in weights]
        for number, arrays in enumerate(weights):
            swap = swapped[number] if swapped else None
            losses = self._history[-1].get("last_loss", self._history[-1]["loss"])  # earlier versions kept none
            facts = model_facts(self._config, number, losses[number], accuracies[number], swap)
            if self._setup.device:
                facts[FACTS] = self._setup.device.facts
            write_model(self._run.folder, f"{self._name}-{number}", arrays, self._histories(number), facts)
        result = {"final_test_acc": float(np.mean(accuracies)), "final_test_acc_std": float(np.std(accuracies))}
        text = f"test accuracy {_percent(accuracies)}"
        if swapped:
            result |= {"swap_acc": float(np.mean(swapped)), "swap_acc_std": float(np.std(swapped))}
            text += f", after field relaxation {_percent(swapped)}"
        self._run.note(result=result)
        self._run.log(f"{text} ({len(accuracies)} models)")

    def _histories(self, number: int) -> dict[str, NDArray[Any]]:
        """Epoch by epoch, of one model; the published gradients are the mean over all its devices."""
        by_layer = np.array([record["gradients"][number] for record in self._history])
        devices = [layer.devices.weight.size for layer in self._models[number].layers]
        return {
            "accuracies": np.array([record["accuracy"][number] for record in self._history]),
            "gradients": np.average(by_layer, axis=1, weights=devices).astype(np.float32),
            "gradients-by-layer": by_layer,
        }

    def _side_by_side(
        self, work: Callable[[Network, Callable[[], None]], Result], progress: Progress | None
    ) -> list[Result]:
        """Do something with every model, several at a time; this thread watches for signals and shows progress."""
        done = [0] * len(self._models)

        def one(number: int) -> Result:
            def beat() -> None:
                done[number] += 1
                if self._halt.is_set():
                    raise _Halted

            return work(self._models[number], beat)

        shown = 0
        with ThreadPoolExecutor(self._threads) as pool:
            futures: list[Future[Result]] = [pool.submit(one, number) for number in range(len(self._models))]
            try:
                waiting = set(futures)
                while waiting:
                    ended, waiting = wait(waiting, WAIT_S, FIRST_COMPLETED)
                    for future in ended:
                        future.result()
                    self._run.beat()
                    if progress is not None:
                        progress.advance(sum(done) - shown)
                        shown = sum(done)
            except BaseException:
                self._halt.set()
                pool.shutdown(cancel_futures=True)
                raise
        return [future.result() for future in futures]


def change_field(model: Network, curve: Any) -> None:
    """Every device of a model keeps its pulse count and goes over to another curve."""
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
