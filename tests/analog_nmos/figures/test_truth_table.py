"""Tables and scores of tasks with levels show the outputs of the folder."""

import numpy as np
import pytest

from analog_nmos.figures.run_files import LeftOut, OtherKind, RunFiles
from analog_nmos.figures.scores import scores
from analog_nmos.figures.truth_table import truth_table
from analog_nmos.topology import dense

pytestmark = pytest.mark.usefixtures("foreign_settings")

READOUT = {"pairs": True, "answer": "nearest level", "levels_V": [0.0, -0.08]}
BITS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])


@pytest.fixture
def xor(make_run):
    """Four samples over three epochs; in epoch 2 the third is wrong, and the fourth far above its level."""
    facts = {"readout": READOUT, "classes": ["low", "high"], "validated_on": "training set"}
    run, _ = make_run(dense(2, 2), loss="mse", **facts)
    np.save(run.folder / "test_x.npy", 0.45 * BITS)
    np.save(run.folder / "test_y.npy", BITS.sum(axis=1) % 2)
    for epoch in range(4):
        score_V = np.array([0.001, -0.07, -0.039, 0.3]) * (epoch + 1) / 3
        out_V = np.stack([0.2 + score_V, np.full(4, 0.2)], axis=1)
        np.save(run.folder / f"0_vout_test_epoch{epoch}.npy", out_V)
    return RunFiles(run.folder)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_a_row_per_sample(xor, caught, tmp_path):
    figures = caught("truth_table")
    assert truth_table(xor, 2, tmp_path) == [tmp_path / "truth_table_epoch2"]
    fig = figures["truth_table_epoch2"]
    outputs, compared, answers = fig.axes
    assert fig.get_suptitle() == "epoch 2: 3 of 4 training samples right"
    assert texts(outputs) == ["0.2010", "0.2000", "0.1300", "0.2000", "0.1610", "0.2000", "0.5000", "0.2000"]
    assert texts(compared) == ["0.0010", "0.0000", "-0.0700", "-0.0800", "-0.0390", "-0.0800", "0.3000", "0.0000"]
    assert texts(answers) == ["low ✓", "high ✓", "low ✗", "low ✓"]
    assert [label.get_text() for label in outputs.get_yticklabels()] == ["0, 0", "0, 0.45", "0.45, 0", "0.45, 0.45"]
    norm = compared.images[0].norm
    assert (norm.vmin + norm.vmax) / 2 == pytest.approx(-0.04)  # colours change where answers do


def test_scores_over_epochs_and_levels(xor, caught, tmp_path):
    figures = caught("scores")
    scores(xor, tmp_path)
    (ax,) = figures["scores"].axes
    lines = {line.get_label(): line for line in ax.lines}
    third = lines["0.45, 0 → high"]
    np.testing.assert_allclose(third.get_ydata(), -0.039 * np.arange(1, 5) / 3, rtol=1e-13)
    dashed = [line.get_ydata()[0] for name, line in lines.items() if name.startswith("_")]
    assert dashed == READOUT["levels_V"]
    assert texts(ax) == ["class low", "class high"]


def test_snapshots_lie_at_their_epochs(xor, caught, tmp_path):
    (xor.folder / "0_vout_test_epoch1.npy").unlink()
    figures = caught("scores")
    scores(xor, tmp_path)
    assert figures["scores"].axes[0].lines[0].get_xdata().tolist() == [0, 2, 3]
    with pytest.raises(LeftOut, match=r"0_vout_test_epoch1\.npy is missing"):
        truth_table(xor, 1, tmp_path)


def test_a_sample_that_failed_has_no_answer(xor, caught, tmp_path):
    out_V = xor.array("0_vout_test_epoch3.npy")
    out_V[3] = np.nan
    np.save(xor.folder / "0_vout_test_epoch3.npy", out_V)
    figures = caught("truth_table")
    truth_table(xor, 3, tmp_path)
    fig = figures["truth_table_epoch3"]
    assert texts(fig.axes[2])[3] == "failed"
    assert fig.get_suptitle().startswith("epoch 3: 3 of 4")


@pytest.mark.parametrize("draw", [scores, lambda run, out: truth_table(run, 1, out)])
def test_other_runs(xor, tmp_path, draw, make_run):
    np.save(xor.folder / "test_y.npy", np.zeros(17, int))
    with pytest.raises(OtherKind, match="17 training samples: tables are for 16 at most"):
        draw(xor, tmp_path)
    np.save(xor.folder / "test_y.npy", np.zeros(5, int))
    with pytest.raises(LeftOut, match=r"has shape \(4, 2\); there are 5 samples"):
        draw(xor, tmp_path)
    for path in xor.folder.glob("0_vout_*"):
        path.unlink()
    with pytest.raises(LeftOut, match="no outputs of the training samples"):
        draw(RunFiles(xor.folder), tmp_path)
    (xor.folder / "run_meta.json").write_text('{"config": {}, "status": "done"}')
    with pytest.raises(OtherKind, match="not those of levels"):
        draw(RunFiles(xor.folder), tmp_path)


@pytest.mark.parametrize(("samples", "inputs"), [(2, 1), (4, 3), (16, 4), (16, 9)])
def test_everything_lies_within_the_page(xor, caught, tmp_path, samples, inputs):
    bits = (np.arange(samples)[:, None] >> np.arange(inputs)) & 1
    np.save(xor.folder / "test_x.npy", 0.45 * bits)
    np.save(xor.folder / "test_y.npy", bits.sum(axis=1) % 2)
    for epoch in range(4):
        np.save(xor.folder / f"0_vout_test_epoch{epoch}.npy", np.zeros((samples, 2)))
    tables, over_epochs = caught("truth_table"), caught("scores")
    truth_table(xor, 1, tmp_path)
    scores(xor, tmp_path)
    for fig in (tables["truth_table_epoch1"], over_epochs["scores"]):
        fig.draw_without_rendering()
        width, height = fig.get_size_inches()
        box = fig.get_tightbbox()
        assert -0.01 <= box.x0 < box.x1 <= width + 0.01
        assert -0.01 <= box.y0 < box.y1 <= height + 0.01
