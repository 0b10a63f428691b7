"""Figures have paper size and one look, are written whole, and come out the same every time."""

import os
import subprocess
import sys
import threading
import xml.etree.ElementTree as ElementTree

import matplotlib
import numpy as np
import pytest
from PIL import Image
from waiting import finish

from common import plotting
from common.errors import InputError, Interrupted
from common.plotting import PLOT_FORMATS, confusion, drawn_or_warned, figure, heatmap, line_plot, save, style

pytestmark = pytest.mark.usefixtures("foreign_settings")

COUNTS = np.array([[50, 2, 0], [1, 1200, 4], [0, 7, 48]])


def curves(n_lines=2, **keywords):
    fig, ax = figure()
    x = np.arange(21)
    series = {f"line {k}": 90 - 30 * np.exp(-x / (k + 1)) for k in range(n_lines)}
    line_plot(ax, x, series, xlabel="epoch", ylabel="accuracy (%)", **keywords)
    return fig, ax


def inches(path):
    """Width and height of a PNG or SVG file."""
    if path.suffix == ".png":
        with Image.open(path) as image:
            return tuple(size / plotting.PNG_DPI for size in image.size)
    svg = ElementTree.parse(path).getroot()
    return tuple(float(svg.get(side).removesuffix("pt")) / 72 for side in ("width", "height"))


def inside(fig):
    """Whether everything drawn, labels and legends too, lies within the page."""
    box = fig.get_tightbbox()
    width, height = fig.get_size_inches()
    slack = 0.02
    return box.x0 > -slack and box.y0 > -slack and box.x1 < width + slack and box.y1 < height + slack


def test_import_is_cheap():
    code = "import sys, common.plotting; print(sorted({'matplotlib'} & set(sys.modules)))"
    out = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize("plot_format", ["png", "svg"])
@pytest.mark.parametrize(("width", "expected"), [("single", 3.4), ("double", 7.0)])
def test_paper_size(tmp_path, plot_format, width, expected):
    fig, _ = figure(width=width, height_in=2.0)
    assert inches(save(fig, tmp_path / "f", plot_format)) == pytest.approx((expected, 2.0), abs=0.005)


def test_default_heights_and_axes():
    fig, axes = figure(nrows=2, ncols=5, width="double", sharey=True)
    assert axes.shape == (2, 5)
    assert fig.get_size_inches().tolist() == pytest.approx([7.0, 0.75 * 7.0 / 5 * 2])
    fig, _ = figure(nrows=10)
    assert fig.get_size_inches()[1] == 9.0  # a page


def test_no_pyplot_and_no_global_state():
    before = dict(matplotlib.rcParams)
    fig, _ax = curves()
    fig.draw_without_rendering()
    assert dict(matplotlib.rcParams) == before
    with style():
        assert matplotlib.rcParams["font.size"] == 8
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("plot_format", PLOT_FORMATS)
def test_same_figure_same_bytes(tmp_path, plot_format, monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    contents = []
    for k in range(2):
        fig, axes = figure(ncols=2, width="double")
        line_plot(axes[0], range(5), {"a": range(5), "b": [2] * 5}, xlabel="epoch", ylabel="loss")
        confusion(axes[1], COUNTS)
        contents.append(save(fig, tmp_path / str(k), plot_format).read_bytes())
    assert contents[0] == contents[1]
    assert b"Date" not in contents[0]
    assert b"<dc:date>" not in contents[0]


def test_pdf_fonts_are_truetype(tmp_path):
    fig, _ = curves()
    content = save(fig, tmp_path / "f", "pdf").read_bytes()
    assert b"/Type3" not in content
    assert b"/Subtype /Type0" in content or b"/Subtype /TrueType" in content


@pytest.mark.parametrize(
    ("name", "plot_format", "written"),
    [
        ("acc", "png", "acc.png"),
        ("acc.png", "pdf", "acc.pdf"),
        ("acc.PNG", "svg", "acc.svg"),
        ("run_g0.3", "png", "run_g0.3.png"),
        ("deep/er/acc", "svg", "deep/er/acc.svg"),
    ],
)
def test_names(tmp_path, name, plot_format, written):
    fig, _ = figure()
    assert save(fig, tmp_path / name, plot_format) == tmp_path / written
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [tmp_path / written]


def test_unknown_format_is_refused_before_anything_is_written(tmp_path):
    fig, _ = figure()
    with pytest.raises(InputError, match="plot format is 'jpg', allowed: png, pdf, svg"):
        save(fig, tmp_path / "new" / "f", "jpg")
    assert list(tmp_path.iterdir()) == []


def test_failed_save_keeps_the_old_file_and_leaves_no_other(tmp_path, monkeypatch):
    fig, _ = figure()
    (tmp_path / "f.png").write_bytes(b"old")

    def half(path, **_):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(fig, "savefig", half)
    with pytest.raises(OSError, match="disk full"):
        save(fig, tmp_path / "f")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("f.png", b"old")]


def test_threads_draw_the_same_as_one(tmp_path):
    fig, _ = curves()
    expected = save(fig, tmp_path / "alone").read_bytes()
    errors = []

    def draw(k):
        try:
            fig, _ = curves()
            save(fig, tmp_path / f"thread{k}")
        except Exception as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=draw, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert all((tmp_path / f"thread{k}.png").read_bytes() == expected for k in range(4))


def test_style_is_left_before_another_thread_enters_it():
    entered = threading.Event()
    thread = threading.Thread(target=lambda: (figure(), entered.set()))
    with style():
        thread.start()
        assert not entered.wait(0.3)
    assert entered.wait(10)
    thread.join()


def test_lines_differ_without_colour():
    _, ax = curves(n_lines=20)
    looks = [(line.get_linestyle(), line.get_marker()) for line in ax.get_lines()]
    assert len(set(looks)) == 20
    assert len({line.get_color() for line in ax.get_lines()[:7]}) == 7


def test_ordered_lines_go_from_dark_to_light():
    _, ax = curves(n_lines=6, ordered=True)
    lightness = [np.dot(line.get_color()[:3], (0.299, 0.587, 0.114)) for line in ax.get_lines()]
    assert lightness == sorted(lightness)
    assert lightness[-1] < 0.85  # still visible on white


@pytest.mark.parametrize(("n_lines", "legend"), [(1, False), (2, True), (12, True)])
def test_legend(tmp_path, n_lines, legend):
    fig, ax = curves(n_lines=n_lines)
    save(fig, tmp_path / "f")
    assert (ax.get_legend() is not None) == legend
    assert inside(fig)
    if n_lines == 12:  # beside the lines, not on them
        assert ax.get_legend().get_window_extent().x0 >= ax.get_window_extent().x1


def test_epochs_have_whole_numbers_at_their_ticks():
    fig, ax = figure()
    line_plot(ax, [0, 1, 2], {"a": [1, 2, 3]}, xlabel="epoch", ylabel="loss")
    fig.draw_without_rendering()
    assert all(float(tick).is_integer() for tick in ax.get_xticks())


@pytest.mark.parametrize("as_bars", [False, True])
def test_intervals_are_absolute_ends(as_bars):
    _, ax = figure()
    line_plot(
        ax, [0.0, 1.0], {"a": [5, 6]}, xlabel="p", ylabel="accuracy (%)",
        intervals={"a": ([4, 4], [9, 8])}, as_bars=as_bars,
    )  # fmt: skip
    drawn = np.concatenate([path.vertices for c in ax.collections for path in c.get_paths()])
    assert (drawn[:, 1].min(), drawn[:, 1].max()) == (4, 9)
    assert len(ax.get_lines()[0 if not as_bars else -1].get_xdata()) == 2


def test_heatmap_shows_values_and_greys_what_is_not_finite():
    _, ax = figure()
    matrix = [[0.4, np.nan], [np.inf, 8.0]]
    image = heatmap(ax, matrix, "gate voltage (V)", annotate=".1f", xlabels=["a", "b"])
    assert image.get_clim() == (0.4, 8.0)
    assert np.ma.getmaskarray(image.get_array()).tolist() == [[False, True], [True, False]]
    assert sorted(text.get_text() for text in ax.texts) == ["0.4", "8.0"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b"]
    assert matplotlib.colors.to_hex(image.cmap.get_bad()) == plotting._NO_VALUE.lower()


def test_diverging_colours_are_even_about_the_centre():
    _, ax = figure()
    image = heatmap(ax, [[-3.0, 0.5], [0.0, 1.0]], "difference", center=0.0)
    assert image.get_clim() == (-3.0, 3.0)
    assert heatmap(ax, [[2.0, 6.0]], "difference", center=3.0).get_clim() == (0.0, 6.0)
    red, _, blue, _ = image.cmap(image.norm(1.0))
    assert red > blue


@pytest.mark.parametrize(
    ("matrix", "keywords"),
    [
        ([[np.nan, np.nan]], {}),
        ([[2.0, 2.0]], {}),
        ([[0.0, 0.0]], {"log": True}),
        ([[0.0, 5.0]], {"log": True}),
        ([[1.0, 1.0]], {"center": 1.0}),
    ],
)
def test_heatmaps_without_contrast_still_draw(tmp_path, matrix, keywords):
    fig, ax = figure()
    heatmap(ax, matrix, "x", annotate=".1f", **keywords)
    assert save(fig, tmp_path / "f").stat().st_size > 1000


def test_text_stands_out_from_its_cell():
    _, ax = figure()
    confusion(ax, COUNTS)
    colours = {text.get_text(): text.get_color() for text in ax.texts}
    assert colours["1200"] == "white"
    assert colours["2"] == "black"


def test_confusion_counts():
    _, ax = figure()
    image = confusion(ax, COUNTS)
    assert [text.get_text() for text in ax.texts] == [str(count) for count in COUNTS.ravel()]
    np.testing.assert_array_equal(image.get_array(), COUNTS)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")


@pytest.mark.parametrize(("log", "shown"), [(False, "2 0 1 4 0 7"), (True, "2 1 4 7")])
def test_confusion_errors(log, shown):
    _, ax = figure()
    image = confusion(ax, COUNTS, errors_only=True, log=log)
    assert " ".join(text.get_text() for text in ax.texts) == shown
    assert image.get_clim()[1] == (10.0 if log else 7.0)  # a logarithmic scale spans a decade at least
    assert COUNTS[0, 0] == 50  # the caller's array is left alone


@pytest.mark.parametrize("height_in", [2.5, 3.0, 4.0])
def test_confusion_of_ten_classes_fits_a_column(tmp_path, height_in):
    fig, ax = figure(height_in=height_in)
    confusion(ax, np.diag(np.full(10, 1135)), title="epoch 20")
    save(fig, tmp_path / "f")
    assert inside(fig)


@pytest.mark.parametrize("counts", [[[1, 2]], [1, 2], [[1, -1], [0, 0]], [[1, np.nan], [0, 0]]])
def test_wrong_counts(counts):
    _, ax = figure()
    with pytest.raises(ValueError, match="not a square of non-negative numbers"):
        confusion(ax, counts)


DRAW = """
import sys
from common.plotting import figure, line_plot, save
fig, ax = figure()
line_plot(ax, range(5), {"a": range(5), "b": range(5)}, xlabel="epoch", ylabel="loss", title="a title")
save(fig, sys.argv[1])
import matplotlib
print(matplotlib.rcParams["font.size"])
"""
HOSTILE = "text.usetex: True\nfont.family: No Such Font\nbackend: nope\nno.such: 3\nfont.size: 20\naxes.prop_cycle: 7\n"


@pytest.mark.parametrize(
    ("content", "size"),
    [(HOSTILE.encode(), "20.0"), (b"font.size: 20  # \xff", "10.0")],
    ids=["asks for what is not there", "is no text"],
)
def test_other_peoples_settings_change_no_figure(tmp_path, python, content, size):
    clean = save(curves_of_draw(), tmp_path / "here").read_bytes()
    (tmp_path / "matplotlibrc").write_bytes(content)
    process = python("-c", DRAW, tmp_path / "there", MPLBACKEND="qt4agg")
    out, err = finish(process, code=0)
    assert err == ""
    assert (tmp_path / "there.png").read_bytes() == clean
    assert out.strip() == size  # outside our figures a user's own settings hold, where they can be read


def curves_of_draw():
    fig, ax = figure()
    line_plot(ax, range(5), {"a": range(5), "b": range(5)}, xlabel="epoch", ylabel="loss", title="a title")
    return fig


def test_a_backend_set_for_notebooks_stays(python):
    code = "from common.plotting import figure; figure(); import matplotlib; print(matplotlib.get_backend())"
    assert finish(python("-c", code, MPLBACKEND="svg")) == ("svg\n", "")


def test_a_figure_that_fails_is_a_warning_with_the_command_that_draws_it(capsys):
    lines = []
    with drawn_or_warned("draw-it RUN", lines.append):
        raise RuntimeError("no latex\n  anywhere")
    assert lines == ["warning: figures could not be drawn (no latex anywhere); draw them later: draw-it RUN"]
    with drawn_or_warned("draw-it RUN"):
        raise OSError(28, "No space left on device")
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(Interrupted), drawn_or_warned("draw-it RUN", lines.append):
        raise Interrupted("by SIGTERM", 15)
