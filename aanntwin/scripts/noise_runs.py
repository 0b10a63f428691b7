"""The runs of the noise sweep: each trains a model and tests it; and their results in the form of OUT."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aanntwin.config import NONIDEALITIES, Nonidealities, Settings
from aanntwin.data import load_split
from aanntwin.nonidealities import users
from aanntwin.normalize import normalize
from aanntwin.scripts.published import NONE, read_noise
from aanntwin.scripts.source import CACHE, from_json, one_thread, open_cache, start, to_json
from aanntwin.scripts.training import SILENT, Prints, train_and_print
from common.errors import InputError
from common.plugins import is_own
from common.runs.files import append_line, plain, read_lines, write_text
from common.runs.outcome import Outcome, write_outcome
from common.sweeps import RunSpec
from common.values import shown

TRAINING = (NONE, "0", *(f"{tenth / 10:.1f}" for tenth in range(1, 11)))

TESTING = (NONE, "0", *(f"{hundredth / 100:.2f}" for hundredth in range(1, 101)))

# Name on the command line: name of the option, for all that get worse as they rise. Others are package.module:Name.
NOISE_TYPES = {name.removesuffix("_noise"): name for name, kind in NONIDEALITIES.items() if kind.rising}
TESTS = "tests.jsonl"


@dataclass(frozen=True)
class Plan:
    """What to train and test.

    Attributes:
        settings: of every training except its input noise, and of every test except its noise of `noise_type`.
        count_epoch: of a training.
        noise_type: of NOISE_TYPES, or package.module:Name.
        runs_per_point: tests of each point, each with its own noise draw.
        reference: largest output of every layer after normalisation.
        cache: folder of the cache; None trains without it.
        prints: what the trainings print.
    """

    settings: Settings
    count_epoch: int = 100
    noise_type: str = "input"
    runs_per_point: int = 1
    reference: float = 1.0
    cache: Path | None = CACHE
    prints: Prints = SILENT


def specs(plan: Plan) -> list[RunSpec]:
    """One run per training noise."""
    shared = {
        "settings": to_json(plan.settings),
        **{name: getattr(plan, name) for name in ("count_epoch", "noise_type", "runs_per_point", "reference")},
        "cache": None if plan.cache is None else str(plan.cache.absolute()),
        **plan.prints.json(),
    }
    return [
        RunSpec(index, f"train-{noise}", {"training_noise": noise, **shared}, {"training_noise": noise})
        for index, noise in enumerate(TRAINING)
    ]


def train_and_test(config: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A run: train, normalise, and test at all noises; each repetition is a line of tests.jsonl, kept by a restart."""
    from aanntwin.scripts.bench import Bench

    settings = one_thread(with_noise(from_json(config["settings"]), config["training_noise"]))
    start(settings)
    cache = open_cache(None if config["cache"] is None else Path(config["cache"]))
    weights = train_and_print(settings, config["count_epoch"], cache, Prints.of(config))
    weights, _ = normalize(weights, settings, load_split(settings, train=True)[0], config["reference"])
    bench, path = Bench(settings, train=False), folder / TESTS
    for draw in range(len(read_lines(path)), config["runs_per_point"]):
        append_line(path, json.dumps(test_once(bench, weights, config["noise_type"], draw)))
    loss, accuracy = json.loads(read_lines(path)[0])[NONE]
    return {"loss": loss, "accuracy": accuracy}


def test_once(bench: Any, weights: Any, noise_type: str, draw: int) -> dict[str, tuple[float, float]]:
    """Loss and accuracy at every test noise, all on the same draw of the noise."""
    from aanntwin.scripts.variants import Variant

    base: Nonidealities = bench.settings.testing_nonidealities
    name = NOISE_TYPES.get(noise_type, noise_type)
    levels = [base.with_level(name, None if word == NONE else float(word)) for word in TESTING]
    tested = bench.test([Variant(weights, level, draw) for level in levels])
    pairs = zip(tested.loss.tolist(), tested.accuracy.tolist(), strict=True)
    return dict(zip(TESTING, pairs, strict=True))


def noise_type(word: str) -> str:
    """Check the name of a test noise, and return it.

    Raises:
        InputError: it is neither one of NOISE_TYPES nor a nonideality of a user's own with levels from 0 to 1.
    """
    if is_own(word):
        for level in (TESTING[1], TESTING[-1]):
            users.check([users.join(word, float(level))])
    elif word not in NOISE_TYPES:
        raise InputError(f"{shown(word)} is not one of {', '.join(NOISE_TYPES)}, package.module:Name of your own")
    return word


def axis_of(noise_type: str) -> str:
    """The label of its levels in figures."""
    name = NOISE_TYPES.get(noise_type, noise_type)
    return (NONIDEALITIES.get(name) or users.kind_of(name)).axis(name)


def with_noise(settings: Settings, word: str) -> Settings:
    """The settings with a training noise of the input, given as in TRAINING."""
    noise = None if word == NONE else float(word)
    return settings.replace(
        training_nonidealities=dataclasses.replace(settings.training_nonidealities, input_noise=noise)
    )


def gather(runs: Sequence[tuple[RunSpec, Path]]) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """The results of run folders in the form of OUT."""
    results = {}
    for spec, folder in runs:
        repetitions = [json.loads(line) for line in read_lines(folder / TESTS)]
        results[spec.config["training_noise"]] = {
            word: [(loss, accuracy) for loss, accuracy in (tests[word] for tests in repetitions)] for word in TESTING
        }
    return results


def take_over(output: Path, runs: Sequence[RunSpec], folder: Path, runs_per_point: int) -> int:
    """Copy results in OUT to the folders of runs that have not begun; returns how many. Errors as `read_noise`."""
    found, taken = read_noise(output, TRAINING, TESTING), 0
    for spec in runs:
        tests, run = found.get(spec.config["training_noise"]), folder / spec.folder
        if tests is None or run.exists():
            continue
        run.mkdir(parents=True)
        repetitions = [dict(zip(tests, pairs, strict=True)) for pairs in zip(*tests.values(), strict=True)]
        write_text(run / TESTS, "".join(json.dumps(each) + "\n" for each in repetitions))
        if len(repetitions) >= runs_per_point:
            loss, accuracy = repetitions[0][NONE]
            write_outcome(run, Outcome(spec.index, "done", result={"loss": loss, "accuracy": accuracy}))
        taken += 1
    return taken


def as_json(results: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]]) -> str:
    """JSON with a line per point, so that two files can be compared; a loss that is not finite becomes null."""
    blocks = []
    for training, tests in results.items():
        lines = [f"    {json.dumps(word)}: {json.dumps(plain(runs))}" for word, runs in tests.items()]
        blocks.append(f"  {json.dumps(training)}: {{\n" + ",\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(blocks) + "\n}\n"
