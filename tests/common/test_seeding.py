"""Streams are stable, independent of each other, and differ by exactly their names."""

import subprocess
import sys

import numpy as np
import pytest

from common.errors import InputError
from common.seeding import seed_sequence, stream, torch_generator


def test_pinned_values():
    # If these change, every recorded run loses its meaning: change the spec, not the numbers.
    sequence = seed_sequence(7, "shuffle", 3)
    assert sequence.spawn_key == (
        1015267, 2886964956, 4018435668, 539593282, 3342559859, 4285884687, 906766615, 2134190429,
    )  # fmt: skip
    assert sequence.generate_state(2).tolist() == [1015616004, 1628067117]
    assert stream(7, "shuffle", 3).integers(0, 1000, 6).tolist() == [24, 942, 275, 683, 168, 304]
    assert stream(0, "a").random(2).tolist() == [0.13712539209310437, 0.505589803787029]


def test_same_in_another_process_whatever_its_hash_seed():
    code = "from common.seeding import stream; print(stream(3, 'init', 1).integers(0, 2**60))"
    here = int(stream(3, "init", 1).integers(0, 2**60))
    for hash_seed in ("1", "2"):
        out = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert int(out.stdout) == here


def test_names_and_seeds_that_differ_give_other_streams():
    names = [(), ("a",), ("b",), ("a", "b"), ("b", "a"), ("ab",), ("1",), (1,), (-1,), ("",), ("", "")]
    draws = {(seed, *name): int(stream(seed, *name).integers(0, 2**63)) for seed in (0, 1) for name in names}
    assert len(set(draws.values())) == 2 * len(names)


def test_a_stream_does_not_depend_on_the_use_of_another():
    first, second = stream(5, "noise"), stream(5, "noise")
    stream(5, "shuffle").random(1000)
    first.random(10)
    assert first is not second
    assert second.random() == stream(5, "noise").random()


def test_spawned_children_are_not_named_streams():
    child = seed_sequence(0, "a").spawn(1)[0]
    assert child.generate_state(4).tolist() != seed_sequence(0, "a", 0).generate_state(4).tolist()


def test_streams_are_uncorrelated():
    draws = np.stack([stream(0, "lane", k).standard_normal(4000) for k in range(20)])
    correlation = np.corrcoef(draws) - np.eye(20)
    assert np.abs(correlation).max() < 5 / np.sqrt(4000)  # five standard errors


def test_without_names_it_is_the_plain_seed():
    assert stream(11).random() == np.random.default_rng(11).random()


def test_numpy_integers_are_integers():
    assert stream(np.int64(2), "x", np.int32(4)).random() == stream(2, "x", 4).random()


@pytest.mark.parametrize("seed", [-1, 1.5, "1", None])
def test_wrong_seed(seed):
    with pytest.raises(InputError, match=r"seed is .*, allowed: an integer of 0 or more"):
        stream(seed, "a")


@pytest.mark.parametrize("name", [True, np.True_, 1.5, None, b"a"])
def test_wrong_name(name):
    with pytest.raises(TypeError, match="named by strings and integers"):
        stream(0, name)


def test_torch_generator():
    torch = pytest.importorskip("torch")
    assert torch_generator(7, "init").initial_seed() == 6852288807500675556
    one, two, other = (torch.rand(8, generator=torch_generator(7, "init", k)) for k in (0, 0, 1))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_torch_generator_leaves_the_global_one_alone():
    torch = pytest.importorskip("torch")
    before = torch.get_rng_state()
    torch.rand(3, generator=torch_generator(1, "a"))
    assert torch.equal(torch.get_rng_state(), before)
