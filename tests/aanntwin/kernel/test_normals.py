"""The normals of layers and images: each is its counter's, and statistics. The generator: test_philox."""

import numpy as np
import pytest
from scipy import stats

from aanntwin.kernel.normals import make_key, normals


def philox(counter, key):
    """Philox4x32-10 in Python integers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return tuple(c)


def test_each_normal_is_box_mullers_of_its_words():
    key = make_key(3, "test")
    found = normals(100, key, site=4, image=70_000, epoch=9)
    for element in (0, 5, 16, 33, 50, 63, 64, 99):
        block, inside = divmod(element, 64)
        word, lane = divmod(inside, 16)
        words = philox((block * 16 + lane, 70_000, 4, 9), key.tolist())
        first, second = words[word // 2 * 2 : word // 2 * 2 + 2]
        radius = np.sqrt(-2 * np.log((first + 0.5) / 2**32))
        angle = (second << 2) & 0xFFFFFFFF
        angle = (angle - 2**32 * (angle >> 31)) / 2**31 * np.pi / 4
        pair = [np.cos(angle), np.sin(angle)]
        if second >> 31:
            pair.reverse()
        sign = -1 if second >> 30 & 1 else 1
        assert found[element] == pytest.approx(sign * radius * pair[word % 2], abs=3e-6)


@pytest.mark.parametrize("seed", [1, 2])
def test_they_are_normal(seed):
    count = 1 << 20
    x = normals(count, make_key(seed, "test"), site=0, image=0, epoch=0).astype(float)
    root = np.sqrt(count)
    assert abs(x.mean()) < 4 / root
    assert abs(x.std() - 1) < 4 / np.sqrt(2) / root
    assert abs(stats.skew(x)) < 4 * np.sqrt(6) / root
    assert abs(stats.kurtosis(x)) < 4 * np.sqrt(24) / root
    assert stats.kstest(x, "norm").pvalue > 1e-3
    assert 4.3 < np.abs(x).max() < 6.8
    tail = (np.abs(x) > 3.5).sum()
    expected = 2 * stats.norm.sf(3.5) * count
    assert abs(tail - expected) < 4 * np.sqrt(expected)


def test_elements_images_epochs_sites_and_keys_are_independent():
    key, count = make_key(1, "test"), 1 << 14
    columns = [normals(count, key, site=0, image=image, epoch=0) for image in range(4)]
    columns += [normals(count, key, site=0, image=0, epoch=1), normals(count, key, site=1, image=0, epoch=0)]
    columns += [normals(count, make_key(2, "test"), site=0, image=0, epoch=0)]
    columns += [columns[0][shift:].tolist() + columns[0][:shift].tolist() for shift in (1, 16, 32, 64)]
    correlation = np.corrcoef(columns) - np.eye(len(columns))
    assert np.abs(correlation).max() < 5 / np.sqrt(count)
    squares = np.corrcoef(np.square(columns)) - np.eye(len(columns))
    assert np.abs(squares).max() < 5 / np.sqrt(count)


def test_a_shorter_row_is_the_beginning_of_a_longer_one():
    key = make_key(1, "test")
    long = normals(200, key, site=2, image=3, epoch=4)
    for count in (1, 15, 64, 65, 130):
        assert np.array_equal(normals(count, key, site=2, image=3, epoch=4), long[:count])
