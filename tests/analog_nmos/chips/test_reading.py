"""Files of chips: what people have measured is read, what is wrong with a file is one line that says where."""

import numpy as np
import pytest

from analog_nmos.chips import load_chip
from analog_nmos.topology import dense
from common.errors import InputError

ONES = np.ones(3)
ARRAYS = {"vto_free": [0.01, -0.02, 0.0], "vto_clamp": [0.0, 0.03, 0], "beta_free": ONES, "beta_clamp": 2 * ONES}
HEADER = "vto_free,vto_clamp,beta_free,beta_clamp\n"


@pytest.fixture(autouse=True)
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def npz(left_out=(), **changed):
    arrays = {**ARRAYS, **changed}
    np.savez("chip.npz", **{name: values for name, values in arrays.items() if name not in left_out})
    return "chip.npz"


def csv(tmp_path, text):
    (tmp_path / "chip.csv").write_text(text)
    return "chip.csv"


def refused(path, topology=None):
    with pytest.raises(InputError) as error:
        load_chip(path, topology)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_offsets_alone_are_enough(tmp_path):
    for path in (npz(("beta_free", "beta_clamp")), csv(tmp_path, "vto_clamp,vto_free\n0,0.01\n0.03,-0.02\n0,0\n")):
        chip = load_chip(path, dense(3, 1))
        assert chip.vto_free_V.tolist() == [0.01, -0.02, 0.0]
        assert chip.vto_clamp_V.tolist() == [0.0, 0.03, 0.0]
        assert chip.kp_free.tolist() == chip.kp_clamp.tolist() == [1.0, 1.0, 1.0]


def test_numbers_of_other_widths_and_foreign_arrays_are_no_trouble():
    chip = load_chip(npz(vto_free=np.array([1, 2, 3], np.int32), beta_free=ONES.astype("f4"), seeds=np.arange(5)))
    assert chip.vto_free_V.tolist() == [1.0, 2.0, 3.0]
    assert chip.vto_free_V.dtype == chip.kp_free.dtype == np.float64
    assert chip.meta == {}


def test_a_table_may_name_its_edges_in_any_order(tmp_path):
    text = "\ufeffbeta_free, edge ,vto_free,beta_clamp,vto_clamp\n1,2,0.3,4,-0.3\n\n1.5, 0 ,1e-1,1,0\n1,1,.2,1,0\n"
    chip = load_chip(csv(tmp_path, text))
    assert chip.vto_free_V.tolist() == [0.1, 0.2, 0.3]
    assert chip.kp_free.tolist() == [1.5, 1.0, 1.0]
    assert chip.kp_clamp.tolist() == [1.0, 1.0, 4.0]
    assert chip.vto_clamp_V.tolist() == [0.0, 0.0, -0.3]


@pytest.mark.parametrize("meta", [{"a": 1}, "no JSON", "[1]"])
def test_a_meta_that_cannot_be_read_is_dropped_with_a_warning(meta):
    path = npz(meta_json=np.array(meta, object if isinstance(meta, dict) else None))
    with pytest.warns(UserWarning, match=r"^chip chip\.npz: meta_json is not a JSON object; dropped$"):
        assert load_chip(path).meta == {}


NEEDS = "a chip has vto_free and vto_clamp, and beta_free and beta_clamp or neither of these"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"left_out": ("vto_clamp",)}, f"chip chip.npz: has no vto_clamp; {NEEDS}"),
        ({"left_out": tuple(ARRAYS)}, f"has no vto_free and no vto_clamp and no beta_free and no beta_clamp; {NEEDS}"),
        ({"left_out": ("beta_free",)}, f"chip chip.npz: has no beta_free; {NEEDS}"),
        (
            {"vto_free": np.array([1, 2, 3], object)},
            "chip chip.npz: array vto_free is a pickled object, which is never",
        ),
        ({"vto_free": ONES * 1j}, "chip chip.npz: array vto_free must have a number for each edge, not complex128 of"),
        (
            {"beta_free": np.ones((3, 1))},
            "array beta_free must have a number for each edge, not float64 of shape (3, 1)",
        ),
        ({"beta_clamp": np.ones(4)}, "chip chip.npz: array beta_clamp has 4 numbers and vto_free 3; each edge has one"),
        (
            {"vto_clamp": [0, np.nan, 0]},
            "chip chip.npz: array vto_clamp: edge 1 must be between -1000 and 1000 V, not nan",
        ),
        (
            {"beta_clamp": [1, 1, -0.5]},
            "chip chip.npz: array beta_clamp: edge 2 must be above 0, at most 1e+06, not -0.5",
        ),
    ],
)
def test_a_bad_npz_file_is_refused(changes, message):
    assert message in refused(npz(**changes))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "",
            "chip chip.csv: has no lines of numbers below a header of edge, vto_free, vto_clamp, beta_free, beta_clamp",
        ),
        (HEADER, "chip chip.csv: has no lines of numbers below a header of"),
        ("0.1,0.2\n0.3,0.4\n", "chip chip.csv, line 1: column '0.1' is none of a chip's; allowed: edge, vto_free"),
        ("vto_free,vto_free\n1,2\n", "chip chip.csv, line 1: column 'vto_free' comes twice"),
        ("vto_free\n0.1\n", f"chip chip.csv: has no vto_clamp and no beta_free and no beta_clamp; {NEEDS}"),
        (f"{HEADER}0,0,1\n", "chip chip.csv, line 2: has 3 values; line 1 names 4 columns"),
        (f"{HEADER}0,0,1,1\n0,,1,1\n", "chip chip.csv, line 3: no value of 'vto_clamp'"),
        (f"{HEADER}0,0,1,1\n\n0,nan,1,1\n", "chip chip.csv, line 4, column vto_clamp: nan is not a finite number"),
        (f"{HEADER}0,10 mV,1,1\n", "chip chip.csv, line 2, column vto_clamp: '10 mV' is not a number"),
        (
            f"{HEADER}0,0,1,1\n0,0,1,-2\n",
            "chip chip.csv, line 3, column beta_clamp: must be above 0, at most 1e+06, not -2",
        ),
        (f"{HEADER}-2000,0,1,1\n", "line 2, column vto_free: must be between -1000 and 1000 V, not -2000"),
        (f'{HEADER}0,0,"1,1\n', "chip chip.csv, line 2: is not CSV ("),
        ("edge,vto_free,vto_clamp\n0,0,0\n2,0,0\n", "chip chip.csv, line 3: edge 2; the 2 lines are edges 0 to 1"),
        ("edge,vto_free,vto_clamp\n1,0,0\n1,0,0\n", "chip chip.csv, line 3: edge 1 was on line 2 before"),
        ("edge,vto_free,vto_clamp\n0.0,0,0\n", "chip chip.csv, line 2, column edge: '0.0' is not an integer"),
        ("edge,vto_free,vto_clamp\n1,0,0\n0,0,5e3\n", "line 3, column vto_clamp: must be between -1000 and 1000 V"),
    ],
)
def test_a_bad_table_is_refused(tmp_path, text, message):
    assert message in refused(csv(tmp_path, text))


def test_another_number_of_edges_is_refused(tmp_path):
    for path in (npz(), csv(tmp_path, HEADER + 3 * "0,0,1,1\n")):
        assert refused(path, dense(3, 2)) == f"chip {path}: a chip of 3 edges does not fit a topology of 6"


def test_what_is_no_such_file_is_refused(tmp_path):
    (tmp_path / "text.npz").write_text("hello\n")
    (tmp_path / "bytes.csv").write_bytes(b"vto_free,\xff\n")
    assert refused("none.npz") == "chip none.npz: no such file"
    assert refused("none.csv") == "chip none.csv: no such file"
    assert refused("text.npz").startswith("chip text.npz: is not an NPZ file (")
    assert refused("bytes.csv") == "chip bytes.csv: is not UTF-8 text (byte 9); save it as UTF-8"
