"""The published layout byte for byte, round trips, other people's files, and what cannot be read."""

import csv
import io
import math
import random

import pytest

from common.errors import InputError
from psa_resmlp.study.architectures import ARCHITECTURES, parse
from psa_resmlp.study.modes import MODE_NAMES
from psa_resmlp.tables import (
    Study,
    Trial,
    format_summary,
    format_trials,
    parse_summary,
    parse_trials,
    read_study,
    read_summary_file,
    summarise,
    summary_csv,
    trials_csv,
    write_study,
)
from psa_resmlp.tables.csv_files import parse_trials_csv

TRIALS = """\
# Persistent stochastic ablation: trials of ResMLP

## Raw Trial Data

### Architecture: 1*2048

| Trial | None | Decay | Dropout | Full | Hidden | Output |
|:-----:|:----:|:----:|:----:|:----:|:----:|:----:|
| 1 | 98.21% | 98.25% | 98.33% | 98.09% | 98.30% | 98.10% |
| 2 | 98.18% | N/A | 98.06% | 98.15% | 98.21% | N/A |

### Architecture: 2*1

| Trial | None | Decay | Dropout | Full | Hidden | Output |
|:-----:|:----:|:----:|:----:|:----:|:----:|:----:|
| 1 | 11.02% | N/A | N/A | N/A | N/A | N/A |
"""
SUMMARY = """\
# Persistent stochastic ablation: summary of ResMLP

## Statistical Summary

Results Shape {1*2048} Parameters {10020874}
* None: Mean=98.19% | Std=0.01% | Min=98.18% | Max=98.21% (n=2)
* Decay: Mean=98.25% | Std=0.00% | Min=98.25% | Max=98.25% (n=1)
* Dropout: Mean=98.19% | Std=0.13% | Min=98.06% | Max=98.33% (n=2)
* Full: Mean=98.12% | Std=0.03% | Min=98.09% | Max=98.15% (n=2)
* Hidden: Mean=98.25% | Std=0.05% | Min=98.21% | Max=98.30% (n=2)
* Output: Mean=98.10% | Std=0.00% | Min=98.10% | Max=98.10% (n=1)

Results Shape {2*1} Parameters {813}
* None: Mean=11.02% | Std=0.00% | Min=11.02% | Max=11.02% (n=1)
* Decay: N/A
* Dropout: N/A
* Full: N/A
* Hidden: N/A
* Output: N/A
"""
RECORDED = """\
# Persistent Stochastic Ablation - SimpleMLP Raw Trial Data

## Raw Trial Data

### Architecture: 115*115

| Trial | None | Decay | Dropout | Full | Hidden | Output |
|:-----::----:|:----:|:----:|:----:|:----:|:----:|
| 1 | 11.02% | 11.02% | 11.02% | 11.02% | 11.02% | 11.02% |
| 2 | 11.02% | 11.02% | 11.02% | 11.02% | 10.10% | 11.02% |

### Architecture: 1*2

No successful trials found for this architecture.

"""
WIDE = parse("1*2048")


@pytest.fixture
def study(study_of):
    return study_of(
        {
            "1*2048": {
                "none": [98.21, 98.18],
                "decay": [98.25],
                "dropout": [98.33, 98.06],
                "full": [98.09, 98.15],
                "hidden": [98.30, 98.21],
                "output": [98.10, None],
            },
            "2*1": {"none": [11.02]},
        }
    )


def test_trials_byte_for_byte(study):
    assert format_trials(study) == TRIALS


def test_summary_byte_for_byte(study):
    assert format_summary(study) == SUMMARY


def test_round_trips():
    assert format_trials(parse_trials(TRIALS)) == TRIALS
    assert format_summary(parse_summary(SUMMARY)) == SUMMARY
    assert format_summary(parse_trials(TRIALS)) == SUMMARY


def test_round_trip_of_the_whole_study(tmp_path):
    draw = random.Random(0)
    study = Study("mlp")
    for architecture in ARCHITECTURES:
        for mode in MODE_NAMES:
            for number in range(1, 11):
                study.add(architecture, mode, Trial(number, draw.randrange(900, 10000) / 100))
    paths = write_study(tmp_path / "results", study)
    assert [path.name for path in paths] == [
        "psa_simplemlp_summary.md",
        "psa_simplemlp_trials.md",
        "psa_simplemlp_summary.csv",
        "psa_simplemlp_trials.csv",
    ]
    for path in (paths[1], paths[3], paths[0].parent):
        again = read_study(path)
        assert again.family == "mlp"
        assert again.cells == study.cells
        assert list(again.cells) == list(study.cells)
    assert sorted(path.name for path in paths[0].parent.iterdir()) == sorted(path.name for path in paths)


def test_architectures_are_written_in_the_order_of_the_study(study_of, tmp_path):
    study = study_of({name: {"none": [90.0]} for name in ("5*7", "2*1", "18*18", "1*2048")})
    write_study(tmp_path, study)
    assert [one.name for one in read_study(tmp_path).cells] == ["1*2048", "18*18", "2*1", "5*7"]


def test_a_file_of_the_published_tools():
    study = parse_trials(RECORDED)
    assert study.family == "mlp"
    assert study.values(parse("115*115"), "hidden") == [11.02, 10.10]
    assert study.values(parse("1*2"), "none") == []
    assert parse_trials(RECORDED, family="resmlp").family == "resmlp"
    table = parse_summary(
        "# Persistent Stochastic Ablation - ResMLP Results Summary\n\n## 1*2048 Comprehensive Results\n\n"
        "###Results Shape {1*2048} Parameters {1628170}\n"
        "* None: Mean=98.12% | Std=0.07% | Min=98.01% | Max=98.28% (n=10)\n* Decay: NO_JOB_FOUND\n"
    )
    assert table.parameters == {WIDE: 1628170}  # theirs, not corrected
    assert table.cells[WIDE]["none"].mean == 98.12
    assert "decay" not in table.cells[WIDE]


def test_columns_are_found_by_their_titles():
    text = "### Architecture: 1*2\n\n| Trial | Full | None |\n|--|--|--|\n| 3 | 50.5% | N/A |\n| 4 | 51 | 60% |\n"
    study = parse_trials(text)
    assert study.values(parse("1*2"), "full") == [50.5, 51.0]
    assert study.pairs(parse("1*2"), "full", "none") == [(51.0, 60.0)]  # only the trial that both have


HEAD = "### Architecture: 1*2\n\n| Trial | None |\n|--|--|\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing\n", "has no line '### Architecture:"),
        (HEAD + "| 1 | 90% | 91% |\n", "line 5: 3 cells under 2 titles"),
        (HEAD + "| 1 | 9o% |\n", "line 5: '1 | 9o%' is not a trial number and percentages"),
        (HEAD + "| 1 | 101% |\n", "accuracy 101, allowed: 0 to 100"),
        (HEAD + "| 1 | nan% |\n", "accuracy nan, allowed: 0 to 100"),
        (HEAD + "| 1 | 90% |\n| 1 | 91% |\n", r"trial 1 of \[1\*2\] none is there twice"),
        (HEAD + HEAD, "line 5: architecture 1\\*2 is there twice"),
        ("### Architecture: 1*2\n| 1 | 90% |\n", "line 2: a row before the header"),
        ("### Architecture: 1*2\n| Trial | Half |\n", "line 2: unknown mode 'half'"),
        ("### Architecture: 1*2\n| Trial | None | None |\n", "line 2: a mode has two columns"),
        ("### Architecture: 1-2\n", "architecture ' 1-2' cannot be read"),
    ],
)
def test_trials_that_cannot_be_read(text, message):
    with pytest.raises(InputError, match=message):
        parse_trials(text)


SHAPE = "Results Shape {1*2} Parameters {1600}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing\n", "has no line 'Results Shape"),
        (SHAPE + "* None: Mean=98.19% | Std=0.0\n", "line 2: '.*' is not '\\* Mode: Mean"),
        (SHAPE + "* None: Mean=9.8.1% | Std=0% | Min=1% | Max=1% (n=1)\n", "number that cannot be read"),
        (SHAPE + "* Half: N/A\n", "unknown mode 'half'"),
        (SHAPE + SHAPE, "line 2: architecture 1\\*2 is there twice"),
    ],
)
def test_summaries_that_cannot_be_read(text, message):
    with pytest.raises(InputError, match=message):
        parse_summary(text)


def test_statistics_are_the_populations():
    found = summarise([1.0, 2.0, 4.0])
    assert found.mean == pytest.approx(7 / 3)
    assert found.std == pytest.approx(math.sqrt((1 + 4 + 16) / 3 - (7 / 3) ** 2))
    assert (found.low, found.high, found.n) == (1.0, 4.0, 3)
    assert summarise([]) is None


def test_csv_keeps_validation_and_test_accuracy_apart_and_all_digits():
    study = Study("resmlp")
    study.add(WIDE, "full", Trial(1, 100 / 3, 200 / 3, 17, 100, 1337))
    study.add(WIDE, "full", Trial(2, 50.0))
    row = next(csv.DictReader(io.StringIO(trials_csv(study))))
    assert row == {
        "family": "resmlp", "architecture": "1*2048", "depth": "1", "width": "2048", "parameters": "10020874",
        "mode": "full", "trial": "1", "seed": "1337", "meta_loops": "100", "bounty_percent": "33.333333333333336",
        "bounty_loop": "17", "test_accuracy_percent": "66.66666666666667",
    }  # fmt: skip
    assert parse_trials_csv(trials_csv(study)).cells == study.cells
    summary = next(csv.DictReader(io.StringIO(summary_csv(study))))
    assert (summary["n"], summary["test_n"]) == ("2", "1")
    assert float(summary["bounty_mean_percent"]) == pytest.approx((100 / 3 + 50) / 2)
    assert float(summary["test_mean_percent"]) == pytest.approx(200 / 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("family,architecture\n", "has no column mode"),
        ("family,architecture,mode,trial,bounty_percent\n", "has no row"),
        ("family,architecture,mode,trial,bounty_percent\nresmlp,1*2,none,one,90\n", "line 2: invalid literal"),
        ("family,architecture,mode,trial,bounty_percent\nresmlp,1*2,half,1,90\n", "unknown mode 'half'"),
        ("family,architecture,mode,trial,bounty_percent\nresmlp,1*2,none,1,9\nmlp,1*2,none,1,9\n", "one file, one"),
    ],
)
def test_csv_that_cannot_be_read(text, message):
    with pytest.raises(InputError, match=message):
        parse_trials_csv(text)


def test_files_and_folders(study, tmp_path):
    with pytest.raises(InputError, match=r"holds no psa_resmlp_trials\.md"):
        read_study(tmp_path)
    write_study(tmp_path, study)
    assert read_summary_file(tmp_path / "psa_resmlp_summary.md").cells[WIDE]["none"].mean == 98.19
    assert read_summary_file(tmp_path / "psa_resmlp_trials.md").cells[WIDE]["none"].mean == pytest.approx(98.195)
    with pytest.raises(InputError, match="is about the family resmlp, not mlp"):
        read_study(tmp_path / "psa_resmlp_trials.csv", "mlp")
    study.family = "mlp"
    write_study(tmp_path, study)
    with pytest.raises(InputError, match="holds tables of both families; name the file"):
        read_study(tmp_path)
    (tmp_path / "psa_resmlp_trials.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is not UTF-8 text"):
        read_study(tmp_path / "psa_resmlp_trials.md")


def test_unknown_family():
    with pytest.raises(InputError, match="allowed: resmlp, mlp"):
        Study("cnn")
