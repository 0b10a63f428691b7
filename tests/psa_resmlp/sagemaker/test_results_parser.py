"""psa-sagemaker-results-parser: our jobs and the published program's, attempts, half-written buckets, 1,200 jobs."""

import csv
import json

import pytest
from cloud import throttle
from container import archive

from psa_resmlp.sagemaker.names import parse_job_name
from psa_resmlp.study.architectures import parse
from psa_resmlp.tables import parse_summary, read_study

SMALL = ("--arch", "2*6,1*5", "--modes", "none,full", "--dataset", "digits", "--meta-loops", "3", "--trials", "2")


def entries(name, bounties, **more):
    cell = parse_job_name(name).cell
    facts = {"mode": cell.mode, "family": "resmlp", "architecture": str(cell.architecture), "seed": 7, "meta_loops": 3}
    return json.dumps(
        [
            {
                "trial": number, "bounty": bounty, "best_validation_accuracy": bounty, "best_validation_epoch": 2,
                "final_test_accuracy": bounty - 1, **facts, **more,
            }
            for number, bounty in enumerate(bounties, 1)
        ]
    )  # fmt: skip


def output(name, bounties, **more):
    run = {"metrics.csv": "meta_loop,mode\n1,none\n", "run_meta.json": '{"config": {}}'}
    return archive({**run, "comprehensive_results.json": entries(name, bounties, **more)})


@pytest.fixture
def names(aws_here, cloud):
    """Four jobs of a study, named by cell."""
    aws_here("run", *SMALL)
    return {parse_job_name(name).cell.folder: name for name in cloud.names()}


def listed(folder):
    with open(folder / "jobs.csv") as stream:
        return {row["job"]: row for row in csv.DictReader(stream)}


def test_tables_of_what_is_there(aws_here, cloud, names, tmp_path):
    bounties = {"2x6_none": [97.5, 96.5], "2x6_full": [95.25, 95.75], "1x5_none": [50.0, 60.0]}
    for cell, values in bounties.items():
        cloud.put(f"{names[cell]}/output/output.tar.gz", output(names[cell], values))
    done = aws_here("results_parser", "--output-dir", "out")
    assert "4 jobs: 1 without results yet, 0 damaged" in done.out
    assert "6 trials of 3 architectures and modes: tables in out" in done.out
    study = read_study(tmp_path / "out")
    assert study.values(parse("2*6"), "none") == [97.5, 96.5]
    (trial, _) = study.trials(parse("2*6"), "full")
    assert (trial.test_accuracy, trial.bounty_loop, trial.meta_loops, trial.seed) == (94.25, 2, 3, 7)
    summary = parse_summary((tmp_path / "out/psa_resmlp_summary.md").read_text())
    assert summary.cells[parse("1*5")]["none"].std == 5.0
    assert "full" not in summary.cells[parse("1*5")]
    assert "| 1 | 97.50% | N/A | N/A | 95.25% | N/A | N/A |" in (tmp_path / "out/psa_resmlp_trials.md").read_text()
    assert sorted(path.name for path in (tmp_path / "out/runs").iterdir()) == ["1x5_none", "2x6_full", "2x6_none"]
    assert listed(tmp_path / "out")[names["1x5_full"]]["problem"] == "no results yet"


@pytest.mark.parametrize(
    ("content", "holds"),
    [
        (b"", "not a complete archive"),
        (b"not an archive", "not a complete archive"),
        ("torn", "not a complete archive"),
        ("without its checksum", "not a complete archive"),
        ({"comprehensive_results.json": "[{"}, "cannot be read"),
        (
            {"comprehensive_results.json": '[{"bounty": 90, "chain": [{"mode": "decay", "meta_loops": 3}]}]'},
            "a chain of modes, decay (3 meta-loops)",
        ),
        ({"comprehensive_results.json": "{}"}, None),
        ({"comprehensive_results.json": '[{"trial": 1}]'}, "cannot be read (KeyError"),
        ({"comprehensive_results.json": '[{"bounty": 120.0}]'}, "allowed: 0 to 100"),
        ({"comprehensive_results.json": '[{"bounty": NaN}]'}, "allowed: 0 to 100"),
        ({"comprehensive_results.json": '[{"bounty": 9, "trial": 1}, {"bounty": 9, "trial": 1}]'}, "there twice"),
        ({"comprehensive_results.json": '[{"bounty": 9, "mode": "full"}]'}, "of mode full, not none"),
        ({"comprehensive_results.json": '[{"bounty": 9, "architecture": "[9*9]"}]'}, "of architecture [9*9]"),
        ({"comprehensive_results.json": '[{"bounty": 9, "family": "mlp"}]'}, "of family mlp, not resmlp"),
    ],
)
def test_damaged_results_are_named_and_the_others_read(aws_here, cloud, names, tmp_path, content, holds):
    good, bad = names["2x6_full"], names["2x6_none"]
    whole = output(good, [95.0, 96.0])
    if isinstance(content, dict):
        content = archive(content)
    cut = {"torn": whole[: len(whole) // 2], "without its checksum": whole[:-6]}
    cloud.put(f"{bad}/output/output.tar.gz", cut[content] if isinstance(content, str) else content)
    cloud.put(f"{good}/output/output.tar.gz", whole)
    done = aws_here("results_parser", "--output-dir", "out", code=1 if holds else 0)
    assert read_study(tmp_path / "out").values(parse("2*6"), "full") == [95.0, 96.0]
    if holds:
        (line,) = done.err.splitlines()
        assert line.startswith(f"{bad}: output/output.tar.gz: ")
        assert holds in line
        assert holds in listed(tmp_path / "out")[bad]["problem"]
        assert "1 damaged" in done.out
    else:
        assert "3 without results yet, 0 damaged" in done.out


def test_a_file_too_large_to_be_results(aws_here, cloud, names, monkeypatch):
    monkeypatch.setattr("psa_resmlp.sagemaker.results.LARGEST_BYTES", 100)
    cloud.put(f"{names['2x6_none']}/output/output.tar.gz", output(names["2x6_none"], [95.0]))
    assert "comprehensive_results.json has " in aws_here("results_parser", code=1).err


def test_the_latest_attempt_with_results_counts(aws_here, cloud, names, tmp_path):
    first = names["2x6_none"]
    second, third = first.replace("-01", "-02"), first.replace("-01", "-10")
    cloud.put(f"{first}/output/output.tar.gz", output(first, [1.0]))
    cloud.put(f"{second}/output/output.tar.gz", output(second, [2.0]))
    cloud.put(f"{third}/job.json", "{}")
    aws_here("results_parser", "--output-dir", "out")
    assert read_study(tmp_path / "out").values(parse("2*6"), "none") == [2.0]
    assert [listed(tmp_path / "out")[name]["in_tables"] for name in (first, second, third)] == ["no", "yes", "no"]
    other = first.replace(parse_job_name(first).study, "0" * 8)  # of another study, by hand in this prefix
    cloud.put(f"{other}/output/output.tar.gz", output(other, [3.0]))
    assert "6 jobs" in aws_here("results_parser", "--output-dir", "out").out


def test_results_of_the_published_program(aws_here, cloud, tmp_path):
    old = "psa-18x18-none-2025-08-04-19-53-35-910"
    new = "psa-18x18-none-2025-08-05-01-00-00-001"
    text = "psa-18x18-full-2025-08-04-19-53-37-111"
    found = [
        {"bounty": 96.5, "best_validation_accuracy": 96.5, "best_validation_epoch": 90, "final_test_accuracy": 96.1}
    ]
    cloud.put(f"{old}/output/model.tar.gz", archive({"comprehensive_results.json": json.dumps(found)}))
    cloud.put(f"{new}/output/model.tar.gz", archive({"mnist_lkg.safetensors": b"x" * 1000}))
    cloud.put(f"{text}/output/model.tar.gz", archive({"./results.txt": "95.10\n95.30\n"}))
    cloud.put("psa-not-a-job/output/model.tar.gz", "x")
    done = aws_here("results_parser", "--output-dir", "out", "--family", "mlp")
    assert "3 jobs: 1 without results yet, 0 damaged" in done.out
    study = read_study(tmp_path / "out/psa_simplemlp_trials.csv")
    assert study.values(parse("18*18"), "none") == [96.5]
    assert study.values(parse("18*18"), "full") == [95.1, 95.3]


def test_throttling_and_a_list_of_jobs(aws_here, cloud, names, tmp_path):
    for name in names.values():
        cloud.put(f"{name}/output/output.tar.gz", output(name, [50.0]))
    (tmp_path / "few.txt").write_text(f"# some\n\n{names['2x6_none']}\n{names['1x5_full']}\n")
    cloud.faults.append(throttle(2))
    assert "2 jobs: 0 without" in aws_here("results_parser", "--jobs-file", "few.txt").out
    (tmp_path / "few.txt").write_text("psa-none\n")
    assert (
        "few.txt, line 1: 'psa-none' is not a job's name"
        in aws_here("results_parser", "--jobs-file", "few.txt", code=2).err
    )


@pytest.mark.slow
def test_1200_jobs_over_pages(aws_here, cloud, tmp_path):
    from moto.s3.models import s3_backends

    study = "0" * 8
    backend = s3_backends["123456789012"]["aws"]
    for place in range(1200):
        name = f"psa-{place + 1}x3-none-{study}-01"
        for path, content in (("job.json", b"{}"), ("output/output.tar.gz", output(name, [50.0]))):
            backend.put_object("study-bucket", f"team/psa/{name}/{path}", content)
    done = aws_here("results_parser", "--output-dir", "out", "--quiet")
    assert done.out == ""
    assert len(read_study(tmp_path / "out").cells) == 1200
    assert cloud.count("S3.GET") >= 1202  # a page holds 1,000 folders


def test_an_empty_prefix_and_a_file_for_a_folder(aws_here, cloud, names, tmp_path):
    assert "has no job yet" in aws_here("results_parser", "--prefix", "elsewhere", code=2).err
    (tmp_path / "out").write_text("a file")
    done = aws_here("results_parser", "--output-dir", "out", code=2)
    assert done.err == "error: folder for tables out: is a file; name another with --output-dir\n"
