"""Tables read from scikit-learn's files are those that it reads itself."""

import numpy as np
import pytest
from sklearn import datasets

from analog_nmos.data import bundled as module
from analog_nmos.data.bundled import bundled
from analog_nmos.data.scale import complemented, scaled

FILES = {"iris": "iris.csv", "wine": "wine_data.csv"}


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_tables_are_scikit_learns(monkeypatch, name, elsewhere):
    asked = []
    loader = getattr(datasets, f"load_{name}")
    monkeypatch.setattr(datasets, f"load_{name}", lambda: asked.append(name) or loader())
    if elsewhere:
        monkeypatch.setattr(module, "_read", lambda path: None)
    ours, bunch = bundled(name, FILES[name]), loader()
    assert asked == [name] * elsewhere
    assert np.array_equal(ours.x, bunch.data)
    assert np.array_equal(ours.y, bunch.target)
    assert ours.classes == tuple(bunch.target_names)


@pytest.mark.parametrize(
    "text", ["", "2,1,a,b\n1,0\n", "2,1,a,b\n1,0\n2,1,3\n", "length,kind\n1.5,a\n", "1,1,a\nx,0\n"]
)
def test_a_file_in_another_format_is_left_to_scikit_learn(tmp_path, text):
    (tmp_path / "table.csv").write_text(text)
    assert module._read(tmp_path / "table.csv") is None


def test_scaling_by_the_training_part():
    x = np.array([[0.0, 5.0, 7.0], [10.0, 6.0, 7.0], [5.0, 9.0, 8.0], [-3.0, 4.0, 6.0]])
    found = scaled(x, x[:2], 0.1, 0.5)
    expected = [[0.1, 0.1, 0.1], [0.5, 0.5, 0.1], [0.3, 0.5, 0.5], [0.1, 0.1, 0.1]]
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    np.testing.assert_allclose(complemented(found, 0.1, 0.5), np.hstack([found, 0.6 - found]), rtol=1e-14)
