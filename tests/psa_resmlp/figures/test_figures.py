"""The commands that draw: files and their resolution, labels without overlap, colours that say what the data say."""

import itertools
import json

import numpy as np
import pytest
from PIL import Image

from psa_resmlp.figures.convergence import convergence, read_curves
from psa_resmlp.figures.design_space import design_space
from psa_resmlp.figures.heatmaps import HEATMAPS, REGIME_COLORS, TIE, Input, draw
from psa_resmlp.study.architectures import ARCHITECTURES, parse
from psa_resmlp.study.modes import MODE_NAMES, get_mode
from psa_resmlp.tables import write_study
from psa_resmlp.tables.paired import paired_test

pytestmark = pytest.mark.usefixtures("foreign_settings")

Z = 11.02


def realistic(one, mode, rng):
    """Ten accuracies: wide networks good, narrow ones bad, very deep narrow ones stuck."""
    if one.depth > 200 and one.width <= 4:
        return [Z] * 10
    error = min(80.0, 1.75 + 180 * one.width**-1.55)
    shift = {"dropout": 0.1, "full": -error / 8, "hidden": -error / 9, "output": -error / 5}.get(mode, 0.0)
    return [round(float(max(9.0, 100 - error + shift + rng.normal() * error / 25)), 2) for _ in range(10)]


@pytest.fixture
def study(study_of):
    rng = np.random.default_rng(0)
    cells = {one.name: {mode: realistic(one, mode, rng) for mode in MODE_NAMES} for one in ARCHITECTURES}
    del cells["91*91"]
    cells["71*71"].pop("full")
    return study_of(cells)


def colours(fig):
    """Face colours of the cells, in the order of the architectures."""
    return fig.axes[0].collections[0].get_facecolor()


def rgb(name):
    from matplotlib.colors import to_rgba

    return pytest.approx(to_rgba(name))


@pytest.mark.slow
def test_all_six_heat_maps(study, tmp_path, here):
    write_study(tmp_path / "results", study)
    here("make_figure_heatmaps")
    for name in HEATMAPS:
        with Image.open(tmp_path / f"results/ResMLP_Heatmap_{name}.png") as image:
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
            assert 1700 <= min(image.size) <= max(image.size) <= 2200  # about seven inches, cut to what is drawn
            assert len(np.unique(np.asarray(image.convert("RGB").resize((200, 180))).reshape(-1, 3), axis=0)) > 50


def test_one_heat_map_of_the_other_family(study_of, tmp_path, here):
    write_study(tmp_path / "results", study_of({"1*8": {"none": [91.0]}}))
    words = ("--family", "mlp", "--trials-file", "results/psa_resmlp_trials.md", "--only", "Regimes")
    assert here("make_figure_heatmaps", *words, "--output-dir", "new").out == (
        "written: new/SimpleMLP_Heatmap_Regimes.png\n"
    )
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["SimpleMLP_Heatmap_Regimes.png"]


def test_every_architecture_has_the_colour_of_its_regime_and_winner(study_of):
    from matplotlib.colors import to_rgba

    trials = {mode: [90.0] for mode in MODE_NAMES}
    study = study_of(
        {
            "1*1024": {**trials, "dropout": [90.2]},
            "18*18": {mode: [Z] for mode in MODE_NAMES},
            "2*2": {**trials, "full": [80.0], "hidden": [80.0], "output": [80.0], "decay": [90.2]},
            "4*4": {"none": [90.0]},
        }
    )
    data = Input(study, list(map(parse, ("1*1024", "18*18", "2*2", "4*4", "8*8"))), Z)
    regimes = ("beneficial-regularization", "untrainable", "optimally-sized", "unknown", "unknown")
    expected = [to_rgba(REGIME_COLORS[name]) for name in regimes]
    assert np.allclose(colours(draw("Regimes", data)), expected)
    expected = [
        *map(to_rgba, (get_mode("dropout").color, TIE, get_mode("decay").color, get_mode("none").color, "#E4E4E4"))
    ]
    assert np.allclose(colours(draw("Winning_Strategy", data)), expected)


def test_effects_are_blue_where_better_red_where_worse_and_striped_where_not_significant(study_of):
    study = study_of(
        {
            "1*1024": {"none": [90.0, 90.1, 90.2], "full": [92.0, 92.2, 92.1]},
            "18*18": {"none": [90.0, 90.1, 90.2], "full": [85.0, 85.2, 85.1]},
            "2*2": {"none": [90.0, 90.1, 90.2], "full": [95.0, 85.2, 90.1]},
            "4*4": {"none": [90.0, None], "full": [None, 95.0]},
        }
    )
    fig = draw("Ablation_Effects", Input(study, list(study.cells), Z))
    better, worse, _, missing = colours(fig)
    assert better[2] > better[0] + 0.2
    assert worse[0] > worse[2] + 0.2
    assert missing.tolist() == rgb("#E4E4E4")
    assert len(fig.axes[0].collections[1].get_paths()) == 1
    assert "(1 better, 1 worse, 1 neither)" in fig.axes[0].get_title()


def test_instability_is_the_largest_deviation_of_any_mode(study_of):
    study = study_of({"1*4": {"none": [50.0, 50.0], "output": [40.0, 60.0]}, "1*8": {"none": [50.0, 54.0]}})
    fig = draw("Instability", Input(study, list(study.cells), Z))
    assert [text.get_text() for text in fig.axes[0].texts] == ["10.0", "2.0"]


def test_parameters_are_those_of_the_family(study_of):
    texts = {}
    for family in ("resmlp", "mlp"):
        study = study_of({"1*2048": {"none": [98.0]}, "1*2": {"none": [30.0]}}, family)
        fig = draw("Parameter_Matching", Input(study, list(study.cells), Z))
        texts[family] = [text.get_text() for text in fig.axes[0].texts]
    assert texts == {"resmlp": ["10M", "1.6k"], "mlp": ["1.6M", "1.6k"]}


def test_colour_bars_name_their_unit(study_of):
    study = study_of({"1*8": {"none": [91.0, 92.0], "full": [90.0, 95.0]}})
    units = {"Baseline_Performance": "(%)", "Ablation_Effects": "(percentage points)", "Instability": "(percentage"}
    for name, unit in units.items():
        fig = draw(name, Input(study, list(study.cells), Z))
        bars = [ax.get_ylabel() for ax in fig.axes[0].child_axes]
        assert len(bars) == 1
        assert unit in bars[0]


def test_the_same_figure_gives_the_same_bytes(study_of, tmp_path):
    from psa_resmlp.figures.files import save

    paths = [tmp_path / f"{name}.png" for name in "ab"]
    study = study_of({"1*8": {"none": [91.0]}, "8*1": {"none": [31.0]}})
    for path in paths:
        save(draw("Baseline_Performance", Input(study, list(study.cells), Z)), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_all_98_labels_are_there_and_none_overlaps_another_or_the_title():
    from matplotlib.text import Text

    fig = design_space(ARCHITECTURES, "resmlp")
    for _ in range(4):
        fig.draw_without_rendering()
    ax = fig.axes[0]
    labels = {text.get_text(): text for text in ax.texts if "×" in text.get_text()}
    assert set(labels) == {one.name.replace("*", "×") for one in ARCHITECTURES}
    # Of the words alone: an annotation's own extent includes the line to its point.
    boxes = {name: Text.get_window_extent(text) for name, text in labels.items()}
    for (first, one), (second, other) in itertools.combinations(boxes.items(), 2):
        assert not one.overlaps(other), (first, second)
    points = np.concatenate([line.get_xydata() for line in ax.lines if line.get_marker() in ("o", "^")])
    assert len(points) == 98
    for name, box in boxes.items():
        assert ax.bbox.x0 < box.x0 < box.x1 < ax.bbox.x1
        assert not any(box.contains(*point) for point in ax.transData.transform(points)), name


def test_design_space_command(here, tmp_path):
    assert here("make_design_space_figure").out == "written: results/ResMLP_Testing_Design_Space.png\n"
    (tmp_path / "few.txt").write_text("1*16\n18*16\n20*2\n")
    here("make_design_space_figure", "--family", "mlp", "--config-file", "few.txt")
    with Image.open(tmp_path / "results/SimpleMLP_Testing_Design_Space.png") as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert "invalid choice" in here("make_design_space_figure", "--family", "cnn", code=2).err


def test_paired_test_is_scipys():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(1)
    for n in (2, 3, 10):
        pairs = [(float(a), float(b)) for a, b in rng.normal(size=(n, 2))]
        ours, theirs = paired_test(pairs), stats.ttest_rel(*zip(*pairs, strict=True))
        assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9)
        assert ours.n == n
        assert ours.mean == pytest.approx(np.mean([a - b for a, b in pairs]))


def test_paired_test_without_deviation_or_pairs():
    assert paired_test([]) is None
    assert not paired_test([(90.0, 80.0)]).significant(0.05)
    assert paired_test([(Z, Z)] * 10).p == 1.0
    same = paired_test([(97.36, 97.35), (98.01, 98.0), (11.03, 11.02)])  # 0.01 each, if not in binary
    assert (same.p, same.significant(0.05)) == (0.0, True)


def write_run(folder, arch, rows, family="resmlp", columns="meta_loop,mode,trial,val_accuracy,lkg_accuracy"):
    folder.mkdir(parents=True)
    (folder / "run_meta.json").write_text(json.dumps({"config": {"arch": arch, "family": family}, "status": "done"}))
    (folder / "metrics.csv").write_text("".join(line + "\n" for line in [columns, *rows]))


@pytest.fixture
def sweep(tmp_path):
    write_run(
        tmp_path / "sweep/runs/a", "[18*18]",
        ["1,none,1,50,50", "1,full,2,60,60", "2,none,1,55,55", "2,full,2,58,60", "1,none,3,70,70", "2,none,3,40,70"],
    )  # fmt: skip
    write_run(tmp_path / "sweep/runs/b", "[18*18]", ["1,none,1,69,69", "2,none,1,69.5,69.5"])
    write_run(tmp_path / "sweep/runs/c", "[1*1024]", ["1,none,1,90,90", "2,none,1,9"])  # a torn row of a kill
    path = tmp_path / "sweep/runs/c/metrics.csv"
    path.write_text(path.read_text().rstrip("\n"))
    return tmp_path / "sweep"


def test_convergence_takes_the_best_trial_of_each_mode(sweep):
    best = read_curves(sweep, [parse("18*18"), parse("1*1024")])
    curves = best["resmlp", parse("18*18")]
    assert set(curves) == {"none", "full"}
    assert (curves["none"].accuracies, curves["none"].bounty) == ((70.0, 40.0), 70.0)
    assert (curves["full"].loops, curves["full"].accuracies) == ((1, 2), (60.0, 58.0))
    assert best["resmlp", parse("1*1024")]["none"].accuracies == (90.0,)


def test_convergence_command(sweep, here, tmp_path):
    assert here("make_convergence_plots", "sweep").out == "written: results/ResMLP_Plot_Convergence.png\n"
    with Image.open(tmp_path / "results/ResMLP_Plot_Convergence.png") as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    write_run(sweep / "runs/d", "[18*18]", ["1,none,1,50,50"], family="mlp")
    words = ("make_convergence_plots", "sweep", "--targets", "18*18")
    assert "holds runs of mlp and resmlp; name one with --family" in here(*words, code=2).err
    assert here(*words, "--family", "mlp").out == "written: results/SimpleMLP_Plot_Convergence.png\n"


def test_convergence_leaves_chains_of_modes_out_and_says_so(sweep, here):
    write_run(sweep / "runs/d", "[18*18]", ["1,none,1,95,95", "2,full,1,99,99", "1,full,2,61,61"])
    write_run(sweep / "runs/e", "[18*18]", ["1,none,1,99,99"])
    path = sweep / "runs/e/run_meta.json"
    chain = {"1": [{"mode": "unknown", "meta_loops": None}, {"mode": "none", "meta_loops": 1}]}
    path.write_text(json.dumps({**json.loads(path.read_text()), "chain": chain}))
    lines = []
    curves = read_curves(sweep, [parse("18*18")], lines.append)["resmlp", parse("18*18")]
    assert (curves["none"].bounty, curves["full"].bounty) == (70.0, 61.0)
    said = here("make_convergence_plots", "--logs-dir", "sweep", "--targets", "18*18").err
    assert said.splitlines() == [
        "left out: sweep/runs/d, trial 1: a chain of modes, none (1 meta-loop), then full (1 meta-loop)",
        "left out: sweep/runs/e, trial 1: a chain of modes, an unknown mode, then none (1 meta-loop)",
    ]


def test_convergence_with_regimes(sweep, here, study_of, tmp_path):
    write_study(tmp_path / "results", study_of({"18*18": {mode: [Z] for mode in MODE_NAMES}}))
    words = ("make_convergence_plots", "sweep", "--targets", "18*18", "--trials-file", "results")
    assert here(*words, "--classifier", "first").out == "written: results/ResMLP_Plot_Convergence.png\n"
    figure = convergence(
        "resmlp",
        [(parse("18*18"), read_curves(sweep, [parse("18*18")])["resmlp", parse("18*18")])],
        {"18*18": "optimally-sized"},
    )
    assert figure.axes[0].get_title() == "ResMLP 18×18: optimally sized"
    assert "name one folder" in here("make_convergence_plots", code=2).err


def test_convergence_with_wrong_input(sweep, here):
    assert "does not exist" in here("make_convergence_plots", "nowhere", code=2).err
    assert "has no run of [2*2]" in here("make_convergence_plots", "sweep", "--targets", "2*2", code=2).err
    assert "cannot be read" in here("make_convergence_plots", "sweep", "--targets", "2-2", code=2).err
    write_run(sweep / "runs/e", "[18*18]", ["1,0.5"], columns="epoch,accuracy")
    assert "has no column meta_loop" in here("make_convergence_plots", "sweep", code=2).err
