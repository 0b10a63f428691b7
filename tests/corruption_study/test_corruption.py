"""Two oracles for corruption: statistics, and the same formulas written in NumPy and Python integers."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy import stats

from common.errors import InputError
from common.plugins import Registry
from common.replicas.batches import Images
from common.replicas.counter import stream_key
from common.seeding import stream
from corruption_study import corruption
from corruption_study.corruption import CORRUPTIONS, CorruptedImages, Corruption, exchanged
from corruption_study.corruptions.kernels import rows_kernel
from corruption_study.nnet_models import CorruptedDataset, corrupt_pixels

RNG = np.random.default_rng(5)
PIXELS = RNG.integers(0, 256, (400, 28, 28), dtype=np.uint8)
LABELS = RNG.integers(0, 10, 400)
IMAGES, PLAIN = Images(PIXELS, LABELS), Images(PIXELS, LABELS, kernels=False)
EVERY = torch.arange(400)[None]
CLEAN = PIXELS.reshape(400, 784).astype(np.float32) / 255
MASK = (1 << 64) - 1


def mixed(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def child(key, number):
    return mixed((key + (number + 1) * 0x9E3779B97F4A7C15) & MASK)


def by_hand(kind, p, seed, epoch, rows):
    """The documented numbers, one pixel after the other."""
    top = child(int(stream_key(seed, "corruption")), epoch)
    out = CLEAN[rows].copy()
    for place, row in enumerate(rows):
        key = child(top, row)
        for k in range(784):
            z = child(key, k)
            high, low = z >> 32, z & 0xFFFFFF
            if kind == "gaussian":
                normal = np.sqrt(-2 * np.log(((high >> 8) + 1) / 2**24)) * np.cos(2 * np.pi * low / 2**24)
                out[place, k] = np.clip(out[place, k] + p * normal, 0, 1)
            elif high < p * 2**32:
                out[place, k] = {"uniform": low / 2**24, "salt-pepper": low & 1, "blank": 0}[kind]
    return out


def corrupted(kind="uniform", p=0.3, seed=1, epoch=0, index=EVERY, images=IMAGES, **keywords):
    noisy = CorruptedImages(images, kind, [p], [seed], **keywords)
    noisy.start_epoch(epoch)
    return noisy.gather(index)[0].numpy()


def as_users_own(monkeypatch, kind, **changes):
    """Replace a kind by one that has its definition in NumPy alone."""
    own = dataclasses.replace(CORRUPTIONS.get(kind), pixel=None, tensors=None, **changes)
    monkeypatch.setattr(corruption, "CORRUPTIONS", Registry("corruption", Corruption, {kind: own}))


@pytest.mark.parametrize("kernels", [True, False])
@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_kernel_and_tensors_agree_with_the_definition(kind, kernels, monkeypatch):
    images, index = (IMAGES if kernels else PLAIN), torch.tensor([[5, 17, 3], [0, 399, 5]])

    def batch():
        noisy = CorruptedImages(images, kind, [0.4, 0.0], [7, 8], kernels=kernels)
        noisy.start_epoch(2)
        return noisy.gather(index).numpy(), noisy.labels_of(index).numpy()

    found = batch()
    as_users_own(monkeypatch, kind)
    np.testing.assert_allclose(found[0], batch()[0], atol=2e-6 if kind == "gaussian" else 0)
    np.testing.assert_array_equal(found[1], batch()[1])
    np.testing.assert_array_equal(found[0][1], CLEAN[index[1]])


def test_numbers_drawn_one_after_the_other_are_new_and_belong_to_their_image(monkeypatch):
    drawn = {}

    def images(clean, p, draw):
        drawn[len(clean)] = draw.uniform(3), draw.normal(2, 2), draw.uniform()
        clean[:] = 0  # a copy: the images themselves stay as they are
        return drawn[len(clean)][2]

    as_users_own(monkeypatch, "uniform", images=images)
    found, alone = corrupted(index=EVERY), corrupted(index=EVERY[:, 7:8])
    assert [numbers.shape for numbers in drawn[400]] == [(400, 3), (400, 2, 2), (400, 28, 28)]
    assert all((many[7] == one[0]).all() for many, one in zip(drawn[400], drawn[1], strict=True))
    assert (found[7] == alone[0]).all()
    three, _, many = drawn[400]
    assert len(np.intersect1d(three, many)) < 50
    assert stats.kstest(drawn[400][1].ravel(), "norm").pvalue > 0.001
    assert (IMAGES.gather(EVERY)[0].numpy() == CLEAN).all()


def test_a_definition_that_returns_another_shape_is_named(monkeypatch):
    as_users_own(monkeypatch, "uniform", images=lambda clean, p, draw: clean[:, 1:])
    with pytest.raises(InputError, match=r"corruption uniform: its images have the shape \(400, 27, 28\)"):
        corrupted()


@pytest.mark.parametrize("kernels", [True, False])
@pytest.mark.parametrize("kind", ["uniform", "gaussian", "salt-pepper", "blank"])
def test_pixels_are_those_of_an_independent_version(kind, kernels):
    rows = [3, 0, 399]
    found = corrupted(kind, 0.4, 7, 2, torch.tensor([rows]), IMAGES if kernels else PLAIN, kernels=kernels)
    np.testing.assert_allclose(found, by_hand(kind, 0.4, 7, 2, rows), atol=2e-6 if kind == "gaussian" else 0)


@pytest.mark.parametrize("kind", CORRUPTIONS)
@pytest.mark.parametrize("kernels", [True, False])
def test_strength_0_is_no_corruption_to_the_last_bit(kind, kernels):
    assert (corrupted(kind, 0.0, images=IMAGES if kernels else PLAIN, kernels=kernels) == CLEAN).all()


def half(clean, bits, p, limit):
    return clean / 2


def test_kernels_of_ours_are_kept_on_disk_and_those_of_a_users_pixel_are_not(tmp_path, monkeypatch):
    """Its source lies in no folder that the cache would look at."""
    monkeypatch.setenv("NONIDEAL_CACHE", str(tmp_path))
    rows_kernel.cache_clear()
    users = Registry("corruption", Corruption, {"half": Corruption("half", "halves", images=half, pixel=half)})
    with monkeypatch.context() as patch:
        patch.setattr(corruption, "CORRUPTIONS", users)
        np.testing.assert_array_equal(corrupted("half", 0.4), CLEAN / 2)
    assert list(tmp_path.rglob("*.bin")) == []
    corrupted("blank", 0.4)
    assert [path.name.split("-")[0].split(".")[-1] for path in tmp_path.rglob("*.bin")] == ["blank"]


def test_the_share_of_changed_pixels_is_p_and_what_they_become_is_uniform():
    for p in (0.05, 0.5, 1.0):
        found = corrupted(p=p)
        changed = found != CLEAN
        n = CLEAN.size
        expected = p * (1 - 1 / 2**24)
        assert abs(changed.mean() - expected) < 4 * np.sqrt(p * (1 - p) / n) + 1e-5
        assert stats.kstest(found[changed].astype(float), "uniform").pvalue > 0.001
        per_pixel = changed.mean(0)  # no place in the image is spared
        assert stats.chisquare(changed.sum(0)).pvalue > 0.001 or p == 1.0
        assert per_pixel.min() > 0


@pytest.mark.parametrize("other", [{"epoch": 1}, {"seed": 2}, {"name": "test corruption"}])
def test_epochs_seeds_and_test_images_draw_independently(other):
    first, second = corrupted(p=0.5), corrupted(p=0.5, **other)
    changed = (first != CLEAN).ravel(), (second != CLEAN).ravel()
    assert (changed[0] & changed[1]).mean() == pytest.approx(0.25, abs=0.005)
    both = changed[0] & changed[1]
    assert abs(np.corrcoef(first.ravel()[both], second.ravel()[both])[0, 1]) < 0.02
    neighbours = np.corrcoef(changed[0][1:], changed[0][:-1])[0, 1]
    assert abs(neighbours) < 0.01
    assert abs(np.corrcoef(first[0][1:], first[0][:-1])[0, 1]) < 0.2


def test_noise_does_not_depend_on_batches_or_on_replicas_beside_it():
    whole = corrupted(p=0.3, seed=4)
    pieces = [corrupted(p=0.3, seed=4, index=EVERY[:, start : start + 37]) for start in range(0, 400, 37)]
    assert (np.concatenate(pieces) == whole).all()
    stacked = CorruptedImages(IMAGES, "uniform", [0.9, 0.3], [8, 4])
    stacked.start_epoch(0)
    turned = torch.stack([EVERY[0], EVERY[0].flip(0)])
    assert (stacked.gather(turned)[1].flip(0).numpy() == whole).all()


def test_other_kinds_do_what_they_are_called():
    salt = corrupted("salt-pepper", 0.5)
    changed = salt != CLEAN
    assert set(np.unique(salt[changed])) == {0.0, 1.0}
    assert salt[changed].mean() == pytest.approx(0.5, abs=0.01)
    blank = corrupted("blank", 0.5)
    assert (blank[blank != CLEAN] == 0).all()
    grey = Images(np.full((400, 28, 28), 127, np.uint8), LABELS)
    noise = corrupted("gaussian", 0.1, images=grey).ravel().astype(float) - 127 / 255
    assert stats.kstest(noise / 0.1, "norm").pvalue > 0.001
    strong = corrupted("gaussian", 1.0)
    assert strong.min() == 0 and strong.max() == 1  # noqa: PT018


def test_labels_are_exchanged_among_a_share_of_the_samples():
    labels = np.arange(20000) % 10
    changed = exchanged(labels, 0.4, stream(3, "labels"))
    assert (np.bincount(changed) == np.bincount(labels)).all()
    assert (changed != labels).mean() == pytest.approx(0.4 * 0.9, abs=0.02)
    assert (exchanged(labels, 0.0, stream(3, "labels")) == labels).all()
    noisy = CorruptedImages(IMAGES, "shuffle-labels", [0.5, 1.0], [1, 2])
    index = torch.stack([EVERY[0], EVERY[0]])
    first = noisy.labels_of(index)
    assert (first[0].numpy() != LABELS).any()
    assert torch.equal(noisy.labels_of(index), first)  # one draw a run
    assert (IMAGES.labels.numpy() == LABELS).all()


def test_corrupt_pixels_for_notebooks():
    x = torch.from_numpy(CLEAN.copy())
    assert corrupt_pixels(x, 0) is x
    found = corrupt_pixels(x, 0.25, generator=torch.Generator().manual_seed(1))
    assert torch.equal(x, torch.from_numpy(CLEAN))
    changed = found != x
    assert changed.double().mean().item() == pytest.approx(0.25, abs=0.005)
    assert stats.kstest(found[changed].double().numpy(), "uniform").pvalue > 0.001
    assert not torch.equal(corrupt_pixels(x, 0.25), corrupt_pixels(x, 0.25))
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="allowed: from 0 to 1"):
            corrupt_pixels(x, wrong)


def test_a_dataset_draws_anew_every_time_a_sample_is_seen():
    data = CorruptedDataset(IMAGES, 0.5, seed=1)
    first, second = data[7], data[7]
    assert first[0].shape == (1, 28, 28)
    assert int(first[1]) == LABELS[7]
    assert not torch.equal(first[0], second[0])
    assert (second[0].numpy().ravel() == corrupted(p=0.5, epoch=1)[7]).all()
    assert torch.equal(data[(0, 7)][0], first[0])
    with pytest.raises(IndexError):
        data[400]
