"""A worker by itself, in this process."""

import warnings

from common.sweeps import RunSpec
from common.sweeps.worker import Task, run_task


def warns(config, folder):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        for _ in range(2):
            warnings.warn(f"seed {config['seed']}\nis odd", RuntimeWarning, stacklevel=1)
    return {"score": 1.0}


def test_a_warning_is_a_line_in_the_runs_stderr(tmp_path):
    specs = tuple(RunSpec(n, f"n{n}", {"seed": n}) for n in range(2))
    ended = run_task(Task("t", str(tmp_path), warns, False, specs), lambda message: None)
    assert [outcome.status for outcome in ended] == ["done", "done"]
    for spec in specs:
        assert (tmp_path / spec.folder / "stderr.txt").read_text() == f"warning: seed {spec.index} is odd\n"
