from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import stats

from common.errors import InputError
from common.replicas import counter
from common.replicas.activations import Activation
from common.replicas.adam import Adam
from common.replicas.bank import Bank
from common.replicas.batches import Images, batches, epoch_orders
from common.replicas.choose import choose_stack
from common.replicas.conv import conv2d, grouped_conv2d
from common.replicas.dropout import dropout_, dropout_keys
from common.replicas.initial import initialise
from common.replicas.product import product


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    "shape", [(3, 128, 784, 18), (5, 128, 10, 18), (4, 33, 100, 7), (3, 17, 18, 10), (2, 1, 96, 10)]
)
def test_a_product_in_a_stack_has_the_bits_of_the_product_alone(threads, count, shape):
    threads(count)
    R, M, K, N = shape
    a, b = torch.randn(R, K, M).transpose(1, 2), torch.randn(R, N, K).transpose(1, 2)
    done = product(a, b, torch.empty(R, M, N))
    torch.testing.assert_close(done, torch.einsum("rmk,rkn->rmn", a, b), rtol=1e-4, atol=1e-4)
    for r in range(R):
        alone = [torch.empty_strided(x[r : r + 1].shape, x.stride()).copy_(x[r : r + 1]) for x in (a, b)]
        assert torch.equal(product(*alone, torch.empty(1, M, N))[0], done[r])


def test_slices_whose_results_begin_anywhere_have_the_bits_of_products_alone(threads):
    threads(1)
    a, b = torch.randn(12, 98, 10), torch.randn(12, 10, 5)  # results of 490 numbers, which is no multiple of 16
    done = product(a, b, torch.empty(12, 98, 5))
    for r in range(12):
        alone = product(a[r : r + 1].clone(), b[r : r + 1].clone(), torch.empty(1, 98, 5))
        assert torch.equal(alone[0], done[r])


def test_a_shared_batch_gives_the_bits_of_each_product_alone():
    x, w = torch.randn(50, 784), torch.randn(4, 18, 784)
    done = product(x[None].expand(4, -1, -1), w.transpose(1, 2), torch.empty(4, 50, 18))
    for r in range(4):
        alone = product(x[None], w[r : r + 1].clone().transpose(1, 2), torch.empty(1, 50, 18))
        assert torch.equal(alone[0], done[r])


def test_initial_values_are_those_of_a_fresh_module():
    shapes = {"0.weight": (8, 3, 3, 3), "0.bias": (8,), "1.weight": (5, 11), "1.bias": (5,)}
    bank = Bank(shapes, 2)
    initialise(bank, [torch.Generator().manual_seed(seed) for seed in (7, 8)])
    for r, seed in enumerate((7, 8)):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Linear(11, 5))
        for name, value in module.state_dict().items():
            assert torch.equal(bank.views[name][r], value), name


def test_a_bank_reads_out_writes_in_and_goes_back():
    bank = Bank({"weight": (3, 5), "bias": (3,)}, 3)
    initialise(bank, [torch.Generator().manual_seed(seed) for seed in range(3)])
    state, before = bank.state_dict(1), bank.snapshot()
    bank.load_state_dict(2, state)
    assert torch.equal(bank.values[1], bank.values[2])
    assert torch.equal(bank.values[0], before[0])
    bank.views["weight"][:, 0] = 0  # ablation is writing to a view
    assert bank.values[:, :5].eq(0).all()
    bank.restore(before, torch.tensor([True, False, True]))
    assert torch.equal(bank.values[2], before[2])
    assert not torch.equal(bank.values[1], before[1])
    assert bank.views["bias"][1].data_ptr() % 64 == 0
    with pytest.raises(InputError, match="shape"):
        bank.load_state_dict(0, {**state, "weight": torch.zeros(5, 3)})
    with pytest.raises(InputError, match="extra is not in both"):
        bank.load_state_dict(0, {**state, "extra": torch.zeros(1)})


def test_orders_are_permutations_of_their_own():
    orders = epoch_orders([1, 2], 0, 50)
    assert [sorted(row) for row in orders.tolist()] == [list(range(50))] * 2
    assert (orders[0] != orders[1]).any()
    assert (epoch_orders([2], 0, 50)[0] == orders[1]).all()
    assert (epoch_orders([1], 1, 50)[0] != orders[0]).any()
    pieces = list(batches(torch.from_numpy(orders), 20))
    assert [piece.shape for piece in pieces] == [(2, 20), (2, 20), (2, 10)]


@pytest.mark.parametrize("kernels", [False, True])
def test_images_are_scaled_as_torchvision_does(kernels):
    pixels = np.arange(256, dtype=np.uint8).reshape(4, 8, 8)
    images = Images(pixels, np.arange(4), kernels=kernels)
    index = torch.tensor([[3, 0], [1, 1]])
    x = images.gather(index)
    assert torch.equal(x, torch.from_numpy(pixels).reshape(4, 64)[index].float().div(255))
    assert images.labels_of(index).tolist() == [[3, 0], [1, 1]]


def test_counters_agree_on_every_path_and_look_uniform():
    key = counter.stream_key(3, "noise")
    keys = counter.child_keys(key, np.arange(20000))
    as_torch = counter.child_keys_torch(counter.as_int64(key), torch.arange(20000))
    assert (as_torch.numpy().view(np.uint64) == keys).all()
    by_hand, mask = [], (1 << 64) - 1
    for number in range(3):  # the published function in Python's integers
        z = (int(key) + (number + 1) * 0x9E3779B97F4A7C15) & mask
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        by_hand.append(z ^ (z >> 31))
    assert keys[:3].tolist() == by_hand
    uniform = keys / 2.0**64
    assert stats.kstest(uniform, "uniform").pvalue > 0.001
    low = (keys & np.uint64(0xFFFFFF)) / 2.0**24
    assert stats.kstest(low, "uniform").pvalue > 0.001
    assert abs(np.corrcoef(uniform, low)[0, 1]) < 0.03
    assert abs(np.corrcoef(uniform[1:], uniform[:-1])[0, 1]) < 0.03


def test_dropout_drops_its_share_and_repeats_its_mask():
    streams = np.array([counter.stream_key(seed, "dropout", 0) for seed in (1, 2)])
    x = torch.ones(2, 64, 200)
    first = dropout_(x.clone(), 0.3, dropout_keys(streams, 0))
    assert first.unique().tolist() == [0.0, pytest.approx(1 / 0.7)]
    assert first.eq(0).double().mean().item() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / x.numel()))
    assert torch.equal(dropout_(x.clone(), 0.3, dropout_keys(streams, 0)), first)
    assert torch.equal(dropout_(x[:1].clone(), 0.3, dropout_keys(streams[:1], 0))[0], first[0])
    assert torch.equal(dropout_(x.clone(), 0.3, dropout_keys(streams, 0), kernels=False), first)
    again = dropout_(x.clone(), 0.3, dropout_keys(streams, 1))
    both = (first.eq(0) & again.eq(0)).double().mean().item()
    assert both == pytest.approx(0.09, abs=0.01)  # independent of the step before
    assert (first[0].eq(0) & first[1].eq(0)).double().mean().item() == pytest.approx(0.09, abs=0.01)
    assert dropout_(x, 0.0, streams) is x
    with pytest.raises(InputError, match="allowed"):
        dropout_(x, 1.0, streams)


def test_convolutions_agree_with_each_alone():
    x, w, b = torch.randn(3, 5, 2, 8, 8), torch.randn(3, 4, 2, 3, 3), torch.randn(3, 4)
    done = conv2d(x, w, b)
    for r in range(3):
        assert torch.equal(done[r], torch.nn.functional.conv2d(x[r], w[r], b[r], padding="same"))
    torch.testing.assert_close(grouped_conv2d(x, w, b), done, rtol=1e-4, atol=1e-5)


@pytest.fixture
def steps_of(monkeypatch):
    """From seconds to a step that takes so long, on a clock that nothing else moves."""
    now = [0.0]
    monkeypatch.setattr("common.replicas.choose.time", SimpleNamespace(perf_counter=lambda: now[0]))

    def step(seconds):
        def work():
            now[0] += seconds

        return work

    return step


def test_the_smallest_stack_that_is_about_as_fast_is_chosen(steps_of):
    def make(size):
        return steps_of(0.002 + 0.001 * size if size < 4 else 0.00175 * size)

    choice = choose_stack(make, [1, 2, 4, 8], budget_s=0.05)
    assert choice.stack == 4
    assert list(choice.step_s) == [1, 2, 4, 8]


def test_a_stack_must_gain_a_tenth(steps_of):
    def make(size):
        return steps_of(0.02 * size * (1 if size == 1 else 0.95))

    assert choose_stack(make, [1, 2, 4], budget_s=0.02).stack == 1


def test_a_busy_moment_does_not_decide_how_many_to_stack(steps_of):
    made = []

    def make(size):
        made.append(size)
        return steps_of(0.005 * size * (3 if len(made) == 1 else 1))

    choice = choose_stack(make, [1, 2, 4], budget_s=0.02)
    assert choice.stack == 1
    assert made == [1, 2, 4, 1, 2]


def test_wrong_settings_are_named():
    with pytest.raises(InputError, match="relu, tanh"):
        Activation("swish")
    with pytest.raises(InputError, match="rate has 3 numbers, allowed: one, or 2"):
        Adam(Bank({"weight": (2, 2)}, 2), [1, 2, 3])
