"""The update rule: kernels, the NumPy way for any curve, and the torch optimizer against plain Python, pair by pair."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from magnetoionic.curves import DOUBLE, SINGLE, TableCurve
from magnetoionic.optimizers import MagnetoionicDouble, MagnetoionicSingle
from magnetoionic.pairs import PairLayer
from magnetoionic.rule import Rule
from magnetoionic.singles import SingleLayer

CASES = [
    ("double-linear", 0.0, False),
    ("double-linear", 0.5, False),
    ("double-linear", 0.0, True),
    ("double-exponential", 0.0, False),
    ("double-exponential", 0.5, False),
    ("double-exponential", 0.1, True),
]
SHAPE = (60, 30)
LR = 100.0


def random_case(field):
    """Devices all over their range, both ends included; gradients from nothing to more than all pulses; variability."""
    rng, curve = np.random.default_rng(11), DOUBLE[field]
    first, second = (curve.value(rng.uniform(0.0, 27.0, SHAPE)) for _ in range(2))
    first[:10], second[:10] = curve.value(0.0), curve.value(27.0)
    first[10:20], second[10:20] = curve.value(27.0), curve.value(27.0)
    gradient = rng.normal(0.0, 1.0, SHAPE) * 10.0 ** rng.uniform(-4.0, -0.3, SHAPE)
    gradient += np.sign(gradient) * 1e-4  # single precision sees the smallest pulse at either end
    gradient[::7] = 0.0
    return first, second, gradient, *np.abs(rng.normal(1.0, 0.3, (2, *SHAPE)))


def make_layer(field, rule, case):
    layer = PairLayer(SHAPE, DOUBLE[field], rule, 0.01, 0.0, 1)
    first, second, _, layer._vary1[...], layer._vary2[...] = case
    layer.load({"weight1": first.T, "weight2": second.T})
    return layer


def expected(slow_pair, field, case, clipping, physical):
    first, second, gradient, vary1, vary2 = (part.ravel() for part in case)
    found = [
        slow_pair(field, (a, b), (-g, g), (v, w), LR, clipping, physical)
        for a, b, g, v, w in zip(first, second, gradient, vary1, vary2, strict=True)
    ]
    return np.array(found).T.reshape(2, *SHAPE)


@pytest.mark.parametrize(("field", "clipping", "physical"), CASES)
def test_kernel_and_numpy_follow_the_description(slow_pair, field, clipping, physical):
    case = random_case(field)
    wanted = expected(slow_pair, field, case, clipping, physical)
    resets = (wanted[0] == DOUBLE[field].value(0.0)) | (wanted[1] == DOUBLE[field].value(0.0))
    assert resets[20:].sum() > 100
    for general in (False, True):
        layer = make_layer(field, Rule(LR, clipping, physical), case)
        if general:
            layer._kernel = None
        layer.pulse(case[2].astype(np.float32))
        assert np.abs(np.stack([layer.first, layer.second]) - wanted).max() < 3e-6
        assert np.array_equal(layer.weight, layer.second - layer.first)


@pytest.mark.parametrize(("field", "clipping", "physical"), CASES)
def test_the_optimizer_follows_the_description(slow_pair, field, clipping, physical):
    case = random_case(field)
    one, two = (torch.nn.Parameter(torch.tensor(part)) for part in case[:2])
    optimizer = MagnetoionicDouble([one, two], LR, DOUBLE[field], 0.0, clipping, physical)
    for device, variability, sign in ((one, case[3], -1.0), (two, case[4], 1.0)):
        optimizer.state[device]["variability"] = torch.tensor(variability)
        device.grad = torch.tensor(sign * case[2])
    optimizer.step()
    wanted = expected(slow_pair, field, case, clipping, physical)
    assert np.abs(np.stack([one.detach().numpy(), two.detach().numpy()]) - wanted).max() < 1e-12


def test_overshoot_is_lost(slow_pair):
    bottom, top = DOUBLE["double-linear"].value(27.0), DOUBLE["double-linear"].value(0.0)
    near, middle = bottom + 0.021, bottom + 10 * 0.021
    little, much = (slow_pair("double-linear", (near, middle), (g, -g), (1, 1), 1.0) for g in (1.5, 400.0))
    assert little == pytest.approx(much)
    assert little[1] == top
    assert little[1] - little[0] == pytest.approx(middle - bottom)


def one_pair(general):
    """A pair of linear devices that the kernel, or NumPy, takes a whole pulse down (-1) or up (1) at a time."""
    layer = PairLayer((1, 1), DOUBLE["double-linear"], Rule(1.0), 0.0, 0.0, 1)
    if general:
        layer._kernel = None
    return layer, lambda sign: layer.pulse(np.array([[-sign]], np.float32))


def torch_pair():
    devices = [torch.nn.Parameter(torch.full((1,), 2.742, dtype=torch.float32)) for _ in range(2)]
    optimizer = MagnetoionicDouble(devices, 1.0, DOUBLE["double-linear"])

    def pulse(sign):
        for device, direction in zip(devices, (1.0, -1.0), strict=True):
            device.grad = torch.full((1,), direction * sign)
        optimizer.step()

    return devices, pulse


@pytest.mark.parametrize("way", ["kernel", "numpy", "torch"])
def test_a_weight_at_its_end_comes_back_by_every_pulse(way):
    """A pair at the end is rewritten in every step, so that the pulse up is not lost: 0.546 V, not 0.525."""
    if way == "torch":
        devices, pulse = torch_pair()
        weight = lambda: (devices[1].detach() - devices[0].detach()).item()  # noqa: E731
    else:
        layer, pulse = one_pair(way == "numpy")
        weight = lambda: float(layer.weight[0, 0])  # noqa: E731
    for _ in range(30):
        pulse(1)
    assert weight() == pytest.approx(27 * 0.021)
    for sign in (-1, -1, 1):
        pulse(sign)
    assert weight() == pytest.approx(0.546, abs=1e-6)


@pytest.mark.parametrize("general", [False, True])
@pytest.mark.parametrize("spent", [0, 1])
def test_a_pair_at_its_end_is_rewritten_without_a_gradient(general, spent):
    layer, pulse = one_pair(general)
    curve = DOUBLE["double-linear"]
    values = [curve.value(10.0)] * 2
    values[spent] = curve.value(27.0)
    layer.load({"weight1": np.full((1, 1), values[0]), "weight2": np.full((1, 1), values[1])})
    before = float(layer.weight[0, 0])
    pulse(0)
    assert (layer.second, layer.first)[spent][0, 0] == np.float32(curve.value(0.0))
    assert (layer.first, layer.second)[spent][0, 0] == pytest.approx(curve.value(17.0))
    assert float(layer.weight[0, 0]) == pytest.approx(before, abs=1e-6)


def test_both_devices_at_their_ends_return_to_the_top():
    layer, pulse = one_pair(False)
    end = np.full((1, 1), DOUBLE["double-linear"].value(27.0))
    layer.load({"weight1": end, "weight2": end})
    pulse(-1)
    assert layer.first == layer.second == np.float32(2.742)


def test_pixels_without_an_image_have_their_pairs_rewritten_too(some_batches, make_network):
    _, layers = make_network()
    first, curve, batch = layers[0], DOUBLE["double-linear"], some_batches[0]
    values = np.full(first.weight.T.shape, curve.value(10.0))
    first.load({"weight1": np.full_like(values, curve.value(27.0)), "weight2": values})
    dark = np.diff(batch.pixel_starts) == 0
    assert dark.any()
    first.pulse_sparse(batch, np.zeros((32, first.weight.shape[1]), np.float32))
    assert np.allclose(first.first, curve.value(17.0), atol=1e-6)
    assert np.array_equal(first.second, np.full_like(first.second, curve.value(0.0)))


@pytest.mark.parametrize(("field", "clipping", "physical"), CASES)
def test_hundreds_of_steps_follow_the_description(slow_pair, field, clipping, physical):
    """The optimizer in double precision step by step; in single precision rounding at a threshold may cost a pulse."""
    rng, curve, pairs, steps = np.random.default_rng(3), DOUBLE[field], 40, 300
    values = curve.value(rng.uniform(0.0, 27.0, (2, pairs)))
    vary = np.abs(rng.normal(1.0, 0.2, (2, pairs)))
    devices = [torch.nn.Parameter(torch.tensor(part)) for part in values]
    optimizer = MagnetoionicDouble(devices, LR, curve, 0.0, clipping, physical)
    for device, part in zip(devices, vary, strict=True):
        optimizer.state[device]["variability"] = torch.tensor(part)
    for _ in range(steps):
        gradient = rng.normal(0.0, 0.02, pairs)
        for device, sign in zip(devices, (-1.0, 1.0), strict=True):
            device.grad = torch.tensor(sign * gradient)
        optimizer.step()
        moved = [
            slow_pair(field, pair, (-g, g), v, LR, clipping, physical)
            for pair, g, v in zip(values.T, gradient, vary.T, strict=True)
        ]
        values = np.array(moved).T
        assert np.abs(np.stack([device.detach().numpy() for device in devices]) - values).max() < 1e-9


def test_clipping_is_a_dead_zone():
    rule = Rule(lr=2.0, clipping=0.1)
    gradients = np.array([0.0, 0.04, 0.05, 0.06, 5.0])
    assert rule.pulses(gradients).tolist() == [0.0, 0.0, 0.1, 0.12, 10.0]
    physical = Rule(lr=1.0, physical_clipping=True).pulses(np.array([0.18, 5.0]))
    assert physical == pytest.approx([0.18 * (1 - np.exp(-1)), 5.0])


def test_variability_is_drawn_once_per_device():
    layer = PairLayer((300, 200), DOUBLE["double-linear"], Rule(1.0), 0.01, 0.5, 4, "layer", 1)
    again = PairLayer((300, 200), DOUBLE["double-linear"], Rule(1.0), 0.01, 0.5, 4, "layer", 1)
    assert np.array_equal(layer._vary1, again._vary1)
    draws = np.concatenate([layer._vary1.ravel(), layer._vary2.ravel()])
    assert (draws >= 0).all()  # |N(1, 0.5)|: one in 44 is folded over
    assert draws.mean() == pytest.approx(1.0 + 2 * 0.5 * (np.exp(-2) / (2 * np.pi) ** 0.5 - 2 * 0.0227501), abs=0.01)
    assert np.sqrt((draws**2).mean()) == pytest.approx(np.sqrt(1.25), abs=0.01)
    assert abs(np.corrcoef(layer._vary1.ravel(), layer._vary2.ravel())[0, 1]) < 0.02
    optimizer = MagnetoionicDouble([torch.zeros(500, 400), torch.zeros(500, 400)], 1.0, DOUBLE["double-linear"], 0.5)
    torch_draws = torch.cat([state["variability"].ravel() for state in optimizer.state.values()])
    assert float((torch_draws**2).mean().sqrt()) == pytest.approx(np.sqrt(1.25), abs=0.01)


def test_initial_devices():
    layer = PairLayer((300, 200), DOUBLE["double-linear"], Rule(1.0), 0.01, 0.0, 4, "layer", 1)
    assert np.allclose(layer.first, 2.742 - 0.01)
    drop = layer.first - layer.second
    assert abs(drop.max() - 0.01) < 1e-4
    assert abs(drop.min() + 0.01) < 1e-4
    assert abs(drop.mean()) < 1e-4
    assert drop.std() == pytest.approx(0.02 / 12**0.5, rel=0.02)


fields = st.sampled_from([*DOUBLE, "table"])
uniform = st.floats(0.0, 1.0)
gradients = st.floats(-10.0, 10.0, width=32)


def curve_of(name):
    return DOUBLE[name] if name in DOUBLE else TableCurve(np.linspace(2.0, 1.0, 30) ** 3, 19.0)


@settings(max_examples=150, deadline=None)
@given(fields, st.lists(st.tuples(uniform, uniform, gradients), min_size=1, max_size=20), st.booleans())
def test_pulses_never_raise_a_device_and_none_leaves_its_range(field, cases, physical):
    curve = curve_of(field)
    top, bottom = np.float32(curve.value(0.0)), np.float32(curve.value(curve.last))
    layer = PairLayer((len(cases), 1), curve, Rule(3.0, 0.0, physical), 0.01, 0.2, 1)
    devices = [np.clip(curve.value(curve.last * np.array([case[k] for case in cases])), bottom, top) for k in (0, 1)]
    layer.load({"weight1": devices[0][None], "weight2": devices[1][None]})
    gradient = np.array([[case[2]] for case in cases], np.float32)
    for _ in range(3):
        before = layer.first.copy(), layer.second.copy()
        layer.pulse(gradient)
        for device in (layer.first, layer.second):
            assert (device >= bottom).all()
            assert (device <= top).all()
        kept = (layer.first != top) & (layer.second != top) | (layer.first == before[0]) & (layer.second == before[1])
        slack = 1e-6  # a spline's table is in double precision, devices in single
        assert (layer.first[kept] <= before[0][kept] + slack).all()
        assert (layer.second[kept] <= before[1][kept] + slack).all()
        # Written anew or not, a pair has the weight of its devices after the pulse, of which none passes its end.
        moving_two = gradient > 0
        moving, resting = np.where(moving_two, before[::-1], before).astype(np.float64)
        pulses = Rule(3.0, 0.0, physical).pulses(gradient, np.where(moving_two, layer._vary2, layer._vary1))
        moved = curve.value(np.minimum(curve.pulses(moving) + pulses, curve.last))
        assert np.allclose(layer.weight, np.where(moving_two, 1, -1) * (moved - resting), atol=3e-6)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(list(SINGLE)), st.lists(st.tuples(uniform, gradients), min_size=1, max_size=20))
def test_single_devices_move_against_the_gradient_and_stay_in_range(field, cases):
    scale = 0.7
    layer = SingleLayer((len(cases), 1), SINGLE[field], Rule(5.0), 0.01, scale, 1)
    start = np.array([[scale * (2 * case[0] - 1)] for case in cases], np.float32)
    layer.load({"weight": start.T})
    gradient = np.array([[case[1]] for case in cases], np.float32)
    layer.pulse(gradient)
    assert np.isfinite(layer.weight).all()
    assert (np.abs(layer.weight) <= np.float32(scale)).all()
    assert (layer.weight[gradient > 0] <= start[gradient > 0] + 1e-6).all()
    assert (layer.weight[gradient < 0] >= start[gradient < 0] - 1e-6).all()
    device = torch.nn.Parameter(torch.tensor(start, dtype=torch.float64))
    device.grad = torch.tensor(gradient, dtype=torch.float64)
    MagnetoionicSingle([device], 5.0, SINGLE[field], scale).step()
    assert np.allclose(device.detach().numpy(), layer.weight, atol=1e-6)


def test_a_single_device_by_hand():
    layer = SingleLayer((1, 2), SINGLE["single-linear"], Rule(10.0), 0.01, 1.0, 1)
    layer.load({"weight": np.array([[0.5], [-0.2]], np.float32)})
    layer.pulse(np.array([[0.27, -0.135]], np.float32))
    assert layer.weight[0].tolist() == pytest.approx([0.5 - 0.2, -0.2 + 0.1])
    strong = SINGLE["single-strong"]
    pulses = strong.plus.pulses(0.5) - 3.0
    moved = strong.pulsed(np.array([0.5]), np.array([3.0]), np.array([True]), 1.0)
    assert moved[0] == pytest.approx(float(strong.plus.value(pulses)))


def test_parameters_must_be_pairs():
    curve = DOUBLE["double-linear"]
    with pytest.raises(ValueError, match="devices come in pairs"):
        MagnetoionicDouble([torch.zeros(2, 3)], 1.0, curve)
    with pytest.raises(ValueError, match="are no pair"):
        MagnetoionicDouble([torch.zeros(2, 3), torch.zeros(3, 2)], 1.0, curve)
