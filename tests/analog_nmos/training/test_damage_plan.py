"""Which transistors are to break: drawn at random or listed, and what is refused before anything is written."""

import numpy as np
import pytest

from analog_nmos.dense_trainer import HingeConfig
from analog_nmos.training.damage_plan import damage_plan
from common.cli import build
from common.errors import InputError

TRAINER, AFTER = "analog_nmos.dense_trainer", 2


def test_a_larger_share_holds_the_smaller_one_and_pruned_edges_do_not_break():
    plans = [damage_plan(HingeConfig(damage_share=share, damage_epoch=AFTER), 60) for share in (0.1, 0.3, 0.31)]
    everything = np.arange(60)
    drawn = [set(plan.broken(AFTER, everything).get("open").tolist()) for plan in plans]
    assert [len(edges) for edges in drawn] == [6, 18, 19]
    assert drawn[0] < drawn[1] < drawn[2]
    left = np.array(sorted(set(range(60)) - set(list(drawn[0])[:3])))
    again = [set(plan.broken(AFTER, left)["open"].tolist()) for plan in plans]
    assert [len(edges) for edges in again] == [6, 17, 18]
    assert again[0] < again[1] < again[2]
    assert again[2] < set(left.tolist())
    assert plans[0].broken(AFTER - 1, everything) == {}
    other = damage_plan(HingeConfig(damage_share=0.1, damage_epoch=AFTER, damage_seed=1), 60)
    assert set(other.broken(AFTER, everything)["open"].tolist()) != drawn[0]
    assert damage_plan(HingeConfig(damage_share=0.0, damage_epoch=AFTER), 60) is None


BAD_LISTS = {
    "": r"its first line must name the columns edge, kind and, if wanted, epoch",
    "edge,sort\n1,open\n": r"its first line must name the columns",
    "edge,kind\n": r"has no lines below the names of its columns",
    "edge,kind\n1,shut\n": r"line 2, column kind: 'shut'; allowed: open, on, frozen",
    "edge,kind\n60,open\n": r"line 2, column edge: 60; allowed: 0 to 59, as in topology\.npz",
    "edge,kind\n-1,open\n": r"line 2, column edge: -1; allowed",
    "edge,kind\n1.5,open\n": r"line 2, column edge: '1.5' is not an integer",
    "kind,edge\nopen,3\non,3\n": r"line 3: edge 3 was on line 2 before",
    "edge,kind\n1\n": r"line 2: has 1 values; line 1 names 2 columns",
    "edge,kind,epoch\n1,open,-2\n": r"line 2, column epoch: -2; allowed: 0 or more",
    "edge,kind\n" + "".join(f"{edge},open\n" for edge in range(60)): r"damage would leave none of 60 transistors",
}


@pytest.mark.parametrize("text", BAD_LISTS)
def test_a_list_that_cannot_be(tmp_path, text):
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(InputError, match=rf"list\.csv.*{BAD_LISTS[text]}|^{BAD_LISTS[text]}"):
        damage_plan(build(HingeConfig, {"damage_list": tmp_path / "list.csv"}), 60)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--damage-epoch", 3), "--damage-epoch needs --damage-share or --damage-list"),
        (("--damage-share", 0.1, "--damage-list", "list.csv"), "--damage-share and --damage-list exclude each other"),
        (("--damage-list", "list.csv", "--damage-kind", "on"), "--damage-kind goes with --damage-share"),
        (("--damage-list", "bad.csv"), "--damage-list bad.csv, line 2, column edge: 640; allowed: 0 to 639"),
        (("--damage-list", "missing.csv"), "--damage-list missing.csv: no such file"),
        (("--damage-list", "list.csv", "--damage-epoch", 2), "has a column epoch; leave --damage-epoch out"),
        (("--damage-share", 1, "--backend", "native"), "damage would leave none of 640 transistors"),
        (("--damage-share", 1.5), "--damage-share"),
        (("--damage-share", 0.1, "--damage-kind", "shut"), "'shut' is not one of open, on, frozen"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line_before_anything_is_written(here, tmp_path, words, line):
    (tmp_path / "list.csv").write_text("edge,kind,epoch\n1,open,1\n")
    (tmp_path / "bad.csv").write_text("edge,kind\n640,open\n")
    done = here(TRAINER, 1, *words, "--run-dir", "run", code=2)
    assert line in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "run").exists()
