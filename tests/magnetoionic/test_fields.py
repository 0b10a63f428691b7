"""Fields as records, and what a user's own may be."""

import numpy as np
import pytest

from common.errors import InputError
from magnetoionic.config import TrainConfig
from magnetoionic.devices.curves import ExponentialCurve, SingleCurve, TableCurve
from magnetoionic.devices.field import Field, as_field
from magnetoionic.devices.fields import FIELDS, MEASURED, OURS, find_field
from magnetoionic.figures.styles import styles
from magnetoionic.pairs import PairLayer
from magnetoionic.relaxation import relaxation
from magnetoionic.rule import Rule


class Root:
    """A curve with an inverse."""

    last = 9.0
    label = "root of pulses"

    def value(self, pulses):
        return 2.0 - 0.2 * np.sqrt(1.0 + pulses)

    def pulses(self, value):
        return ((2.0 - value) / 0.2) ** 2 - 1.0


class Table:
    """The same without."""

    last, value, relaxes_to = Root.last, Root.value, "double-exponential"


@pytest.mark.parametrize("word", OURS)
def test_every_field_of_ours_is_whole(word):
    """Whoever adds a field to the registry gets these for it."""
    field = find_field(word)
    if word != MEASURED:
        assert field.single or find_field(field.relaxes_to).curve is not None
        assert styles([word])[word].color == field.color
        config = TrainConfig(field=(word,))
        config.check()
        assert (relaxation(config, [field.curve]) is None) == field.single
    assert word in FIELDS.allowed


def test_an_own_curve_with_an_inverse_is_taken_as_it_is_and_one_without_as_a_table():
    exact, table = as_field("m:Root", Root), as_field("m:Table", Table())
    assert isinstance(exact.curve, Root)
    assert (exact.label, table.label, exact.relaxes_to, table.relaxes_to) == (
        "root of pulses", "Table", "double-linear", "double-exponential",
    )  # fmt: skip
    assert isinstance(table.curve, TableCurve)
    x = np.linspace(0.0, 9.0, 777)
    assert table.curve.value(x) == pytest.approx(exact.curve.value(x), abs=1e-7)
    assert table.curve.pulses(table.curve.value(x)) == pytest.approx(x, abs=1e-9)
    assert table.curve.value(x) == pytest.approx(exact.curve.value(x), abs=1e-7)
    gradient, after = np.random.default_rng(1).normal(size=(40, 30)).astype(np.float32), []
    for field in (exact, table):
        layer = PairLayer((40, 30), field.curve, Rule(2.0), 0.01, 0.2, 1)
        for _ in range(5):
            layer.pulse(gradient)
        after.append(layer.weight)
    assert after[0] == pytest.approx(after[1], abs=1e-6)


def test_records_and_curves_of_ours_are_own_fields_too():
    curve = ExponentialCurve(1.0, 5.0, 0.5)
    assert as_field("m:CURVE", curve).curve is curve
    assert as_field("m:FIELD", Field(curve=curve, color="red", label="mine")).label == "mine"
    single = as_field("m:SINGLE", OURS["single-weak"].curve)
    assert single.single
    assert isinstance(single.curve, SingleCurve)


def changed(**names):
    return type("Changed", (Root,), names)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (changed(last=0), "`last`, the largest number of pulses, is 0"),
        (changed(last="9"), "is '9'; allowed: a number above 0"),
        (changed(value=lambda self, x: 1.0 + x), "does not fall after 0 pulses"),
        (changed(value=lambda self, x: np.maximum(1.0 - x, -3.0)), "does not fall after 4.0"),
        (changed(value=lambda self, x: 1e6 - x), "subtract a constant"),
        (changed(value=lambda self, x: float(x)), "value(pulses) of an array fails (TypeError"),
        (changed(value=lambda self, x: 1.0), "gives no finite number for each"),
        (changed(value=lambda self, x: -np.log(x)), "gives no finite number for each"),
        (changed(pulses=lambda self, y: y), "is not the inverse of value(pulses); it misses by"),
        (changed(__init__=lambda self, scale: None), "the class needs arguments"),
        (changed(color=3), "its color is not text"),
        (Field(curve=None), "`last`, the largest number of pulses, is None"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_cannot_be_a_device_is_refused(found, text):
    with pytest.raises(InputError, match=r"field m:Changed: ") as caught:
        as_field("m:Changed", found)
    assert text in str(caught.value)


def test_no_two_fields_of_a_figure_have_one_colour_and_a_foreign_one_its_name():
    lines = []
    fields = ["double-linear", "double-exponential", "measured a.csv spline"]
    fields += ["double-linear+no.such:Thing", "no.such:Thing"]
    found = styles(fields, lines.append)
    assert len({style.color for style in found.values()}) == 5
    assert [found["double-linear"].color, found["double-exponential"].color] == ["#0072B2", "#D55E00"]
    assert [found[name].label for name in fields[2:]] == ["measured a.csv spline", "double-linear+Thing", "Thing"]
    assert len(lines) == 1
    assert "no module no" in lines[0]
