"""Train at several noises of the input, test each model at many noises, and plot (`aanntwin-sweep-noise`).

    aanntwin-sweep-noise noise.json --count_epoch 10 --runs_per_point 3

trains twelve models and tests each at 102 noises; on two cores a few minutes. Started again, it goes on where it was.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aanntwin.config import Nonidealities, Settings
from aanntwin.options import add_settings, check_target, take_settings
from aanntwin.reports import add_reports, take_reports
from aanntwin.scripts import sweeping
from aanntwin.scripts.published import NONE, add_format, in_published_keys, read_noise
from aanntwin.scripts.source import (
    CACHE,
    add_print_rate,
    add_training,
    from_json,
    number,
    one_thread,
    open_cache,
    start,
    take_cache,
    to_json,
)
from aanntwin.scripts.telling import SILENT, Telling, train_and_tell
from common.cli import Parser, run_command, whole
from common.errors import InputError
from common.plotting import drawn_or_warned

if TYPE_CHECKING:
    from common.sweeps import Options, RunSpec

PROG = "aanntwin-sweep-noise"
DESCRIPTION = """\
Train at input noise none, 0, 0.1 .. 1.0, normalise each model, and test it at noise none, 0, 0.01 .. 1.00 of a chosen
kind. Writes OUT, JSON {training noise: {test noise: [[loss, accuracy], ..]}}, and a plot beside it.

example: aanntwin-sweep-noise noise.json --count_epoch 10 --runs_per_point 3 --noise_type linear_out
"""
TRAINING = (NONE, "0", *(f"{tenth / 10:.1f}" for tenth in range(1, 11)))
TESTING = (NONE, "0", *(f"{hundredth / 100:.2f}" for hundredth in range(1, 101)))
# Word on the command line: the field of the nonidealities, and what the plot calls it.
NOISE_TYPES = {
    "input": ("input_noise", "the input"),
    "relu_out": ("relu_out_noise", "the ReLU outputs"),
    "linear_out": ("linear_out_noise", "the linear outputs"),
    "conv2d_out": ("conv2d_out_noise", "the convolution's output"),
}
TESTS = "tests.jsonl"


@dataclass(frozen=True)
class Plan:
    """What to train and test.

    Attributes:
        settings: of every training but its input noise, and of every test but its noise of `noise_type`.
        count_epoch: of a training.
        noise_type: of NOISE_TYPES.
        runs_per_point: tests of each point, with draws of their own.
        reference: largest output of every layer after normalisation.
        cache: the cache of epochs; None trains without.
        telling: what the trainings tell on the way.
    """

    settings: Settings
    count_epoch: int = 100
    noise_type: str = "input"
    runs_per_point: int = 1
    reference: float = 1.0
    cache: Path | None = CACHE
    telling: Telling = SILENT


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    parser.usage = "%(prog)s OUT [options]"
    parser.add_argument(
        "output", type=Path, metavar="OUT", help="results (.json); the plot gets the same name with .png"
    )
    group = parser.add_argument_group("what to train and test")
    add = group.add_argument
    add("--noise-type", choices=tuple(NOISE_TYPES), default="input", help="of the test (default: input)")
    add("--runs-per-point", type=whole(1), default=1, metavar="N", help="tests of each point (default: 1)")
    text = "largest output of every layer after normalisation (default: 1)"
    add("--reference", type=number(0, above=True), default=1.0, metavar="X", help=text)
    add_training(group)
    add_print_rate(group)
    add("--test-each-epoch", action="store_true", help="test after each epoch, into the stdout.txt of a run")
    add("--output-path", type=Path, nargs="?", metavar="FILE", help="has no effect; the results go to OUT")
    add_format(group, "keys of OUT; with the published ones, OUT is also read, and what it has is not done again")
    add_reports(parser)
    sweeping.add_start(parser, "OUT with .sweep in place of .json")
    add_settings(parser)
    values = vars(parser.parse_args(argv))
    reports = take_reports(values)
    return run_command(PROG, lambda: reports.around(lambda: _work(values)))


def _work(values: dict[str, Any]) -> int:
    output, style = values.pop("output"), values.pop("format")
    if values.pop("output_path") is not None:
        print(f"--output_path has no effect here; the results go to {output}", file=sys.stderr)
    telling = Telling(values.pop("print_rate") or 0, values.pop("test_each_epoch"))
    if output.suffix.lower() != ".json":
        raise InputError(f"OUT is {output}, allowed: a name that ends in .json")
    check_target(output, folder_is_made=True)
    folder, dry, options = sweeping.take_start(values)
    names = ("count_epoch", "noise_type", "runs_per_point", "reference")
    chosen = {name: values.pop(name) for name in names}
    cache = take_cache(values)
    plan = Plan(take_settings(values), cache=cache, telling=telling, **chosen)
    if plan.settings.training_nonidealities.input_noise is not None:
        raise InputError("--training_nonidealities_input_noise is what the sweep varies; leave it out")
    folder = folder or output.with_suffix(".sweep")
    if dry:
        from aanntwin.scripts.estimates import noise_sweep

        print(noise_sweep(PROG, plan, specs(plan), folder, options))
        return 0
    return run(plan, output, folder, options, style)


def run(plan: Plan, output: Path, folder: Path, options: Options, style: str = "ours") -> int:
    """Do what is not done yet, then write the results so far and the plot; returns 0, or 1 if a training has failed.

    Raises:
        InputError: the folder holds a sweep with other settings, or OUT, in the published format, something else.
    """
    from aanntwin.plots import plot_noise
    from common.runs.files import write_text

    runs = specs(plan)
    output.absolute().parent.mkdir(parents=True, exist_ok=True)
    if style == "published" and (taken := take_over(output, runs, folder, plan.runs_per_point)):
        print(f"{taken} trainings are tested in {output}, which does not say of which settings", file=sys.stderr)
    function = "aanntwin.scripts.sweep_noise:train_and_test"
    ended = sweeping.run(PROG, runs, folder, function, options, {"noise_type": plan.noise_type})
    results = gather([(spec, folder / spec.folder) for spec in runs if _done(ended, spec)])
    if results:
        write_text(output, as_json(in_published_keys(results) if style == "published" else results))
        made = [output]
        with drawn_or_warned("start the command again"):
            made.append(plot_noise(results, output.with_suffix(".png"), quantity=NOISE_TYPES[plan.noise_type][1]))
        if not options.quiet:
            names = ", ".join(map(str, made))
            print(f"{len(results)} of {len(runs)} trainings tested; results and plot: {names}")
    return sweeping.report_failures(ended, folder)


def specs(plan: Plan) -> list[RunSpec]:
    """One run per training noise."""
    from common.sweeps import RunSpec

    shared = {
        "settings": to_json(plan.settings),
        **{name: getattr(plan, name) for name in ("count_epoch", "noise_type", "runs_per_point", "reference")},
        "cache": None if plan.cache is None else str(plan.cache.absolute()),
        **plan.telling.json(),
    }
    return [
        RunSpec(index, f"train-{noise}", {"training_noise": noise, **shared}, {"training_noise": noise})
        for index, noise in enumerate(TRAINING)
    ]


def train_and_test(config: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A run: train, normalise, and test at all noises, a line of tests.jsonl per repetition, which a restart skips."""
    import json

    from aanntwin.data import load_split
    from aanntwin.normalize import normalize
    from aanntwin.scripts.bench import Bench
    from common.runs.files import append_line, read_lines

    settings = one_thread(with_noise(from_json(config["settings"]), config["training_noise"]))
    start(settings)
    cache = open_cache(None if config["cache"] is None else Path(config["cache"]))
    weights = train_and_tell(settings, config["count_epoch"], cache, Telling.of(config))
    weights, _ = normalize(weights, settings, load_split(settings, train=True)[0], config["reference"])
    bench, path = Bench(settings, train=False), folder / TESTS
    for draw in range(len(read_lines(path)), config["runs_per_point"]):
        append_line(path, json.dumps(test_once(bench, weights, config["noise_type"], draw)))
    loss, accuracy = json.loads(read_lines(path)[0])[NONE]
    return {"loss": loss, "accuracy": accuracy}


def test_once(bench: Any, weights: Any, noise_type: str, draw: int) -> dict[str, tuple[float, float]]:
    """Loss and accuracy at every test noise, all on the same draw of the noise."""
    from aanntwin.scripts.variants import Variant

    field = NOISE_TYPES[noise_type][0]
    base: Nonidealities = bench.settings.testing_nonidealities
    values: list[dict[str, Any]] = [{field: None if word == NONE else float(word)} for word in TESTING]
    levels = [dataclasses.replace(base, **value) for value in values]
    tested = bench.test([Variant(weights, level, draw) for level in levels])
    pairs = zip(tested.loss.tolist(), tested.accuracy.tolist(), strict=True)
    return dict(zip(TESTING, pairs, strict=True))


def with_noise(settings: Settings, word: str) -> Settings:
    """The settings with a training noise of the input, given as in TRAINING."""
    noise = None if word == NONE else float(word)
    return settings.replace(
        training_nonidealities=dataclasses.replace(settings.training_nonidealities, input_noise=noise)
    )


def gather(runs: Sequence[tuple[RunSpec, Path]]) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """The results of run folders as OUT has them."""
    import json

    from common.runs.files import read_lines

    results = {}
    for spec, folder in runs:
        repetitions = [json.loads(line) for line in read_lines(folder / TESTS)]
        results[spec.config["training_noise"]] = {
            word: [(loss, accuracy) for loss, accuracy in (tests[word] for tests in repetitions)] for word in TESTING
        }
    return results


def take_over(output: Path, runs: Sequence[RunSpec], folder: Path, runs_per_point: int) -> int:
    """Put what OUT has into the folders of runs that have not begun; returns of how many. Errors as `read_noise`."""
    import json

    from common.runs.files import write_text
    from common.runs.outcome import Outcome, write_outcome

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
    import json

    from common.runs.files import plain

    blocks = []
    for training, tests in results.items():
        lines = [f"    {json.dumps(word)}: {json.dumps(plain(runs))}" for word, runs in tests.items()]
        blocks.append(f"  {json.dumps(training)}: {{\n" + ",\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(blocks) + "\n}\n"


def _done(ended: Mapping[int, Any], spec: RunSpec) -> bool:
    return spec.index in ended and ended[spec.index].status == "done"


if __name__ == "__main__":
    sys.exit(main())
