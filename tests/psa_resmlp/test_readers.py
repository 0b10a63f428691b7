"""Tables and lists with damage of any kind: read, or refused in one line."""

import json
import os
import random

import pytest

from common.errors import InputError
from psa_resmlp.figures.convergence import convergence, read_curves
from psa_resmlp.sagemaker.job_list import read_jobs
from psa_resmlp.sagemaker.prices import SHIPPED, read_prices
from psa_resmlp.sagemaker.timing import COLUMNS, from_jobs
from psa_resmlp.study.architectures import parse, read_configurations
from psa_resmlp.study.modes import MODE_NAMES
from psa_resmlp.tables import Study, Trial, read_study, read_summary_file, write_study

MUTATIONS = 200
PIECES = (b"\x00", b"\xff", b'"', b"|", b",", b"\n", b"nan", b"1e999", b"-1", b"9" * 5000, b"[[[", b"*", b"%", b"=")


def timings(path):
    shared = {"family": "resmlp", "trials": 1, "meta_loops": 1}
    from_jobs(path, [], shared, "ml.c5.xlarge", 1.0)


@pytest.fixture
def files(tmp_path):
    """A reader and a whole file for it, by name."""
    study = Study("resmlp")
    for name in ("1*1024", "18*18"):
        for mode in MODE_NAMES:
            study.add_all(parse(name), mode, [Trial(number, 90.0 + number, 89.0, 3, 5, 0) for number in (1, 2)])
    write_study(tmp_path, study)
    (tmp_path / "list.txt").write_text("1*1024\n# and\n[4*4, 2*8]\n")
    (tmp_path / "jobs.txt").write_text("psa-18x18-none-1a2b3c4d-01\npsa-1x64-full-1a2b3c4d-02\n")
    (tmp_path / "prices.toml").write_bytes(SHIPPED.read_bytes())
    rows = [f"{width}*{width},resmlp,ml.c5.xlarge,Completed,2,3,{width}.5" for width in (2, 4, 8)]
    (tmp_path / "cost_report.csv").write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")
    readers = {
        "psa_resmlp_trials.md": read_study,
        "psa_resmlp_trials.csv": read_study,
        "psa_resmlp_summary.md": read_summary_file,
        "list.txt": read_configurations,
        "jobs.txt": read_jobs,
        "prices.toml": read_prices,
        "cost_report.csv": timings,
    }
    return [(reader, tmp_path / name) for name, reader in readers.items()]


def mutated(content, rng):
    data = bytearray(content)
    for _ in range(rng.randint(1, 5)):
        place = rng.randrange(len(data) + 1)
        kind = rng.randrange(3)
        if kind == 0:
            data[place : place + 1] = rng.choice(PIECES)
        elif kind == 1:
            del data[place : place + rng.randint(1, 40)]
        else:
            data[place:place] = data[place : place + rng.randint(1, 40)]
    return bytes(data)


def refusal(reader, path):
    try:
        reader(path)
    except InputError as problem:
        return str(problem)
    return ""


def test_mutated_files_are_read_or_refused_in_one_line(files):
    rng = random.Random(15)
    for reader, path in files:
        content = path.read_bytes()
        for _ in range(MUTATIONS):
            path.write_bytes(mutated(content, rng))
            message = refusal(reader, path)
            assert "\n" not in message
            assert len(message) < 600


def test_mutated_run_folders_are_drawn_or_refused_in_one_line(tmp_path):
    rng = random.Random(16)
    run = tmp_path / "run"
    run.mkdir()
    meta = {"config": {"arch": "[1*4]", "family": "resmlp"}, "status": "done", "chain": {"1": []}, "pid": 1}
    rows = [f"{loop},none,1,{50 + loop},{50 + loop}" for loop in range(1, 5)]
    whole = {
        "run_meta.json": json.dumps(meta).encode(),
        "metrics.csv": "\n".join(["meta_loop,mode,trial,val_accuracy,lkg_accuracy", *rows, ""]).encode(),
    }

    def draw(folder):
        best = read_curves(folder, [parse("1*4")])
        convergence("resmlp", [(architecture, modes) for (_, architecture), modes in best.items()])

    for name in whole:
        for _ in range(MUTATIONS // 4):
            for file, content in whole.items():
                (run / file).write_bytes(mutated(content, rng) if file == name else content)
            message = refusal(draw, tmp_path)
            assert "\n" not in message
            assert len(message) < 1000


def test_what_is_no_file_is_refused(files):
    for reader, path in files:
        path.unlink()
        assert "no such file" in refusal(reader, path)
        os.mkfifo(path)
        assert "is not a regular file" in refusal(reader, path)
