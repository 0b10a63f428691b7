"""Second implementations of the random numbers, from their definitions, in Python's integers and NumPy's doubles."""

import numpy as np


def splitmix64(seed):
    """Every output of SplitMix64 from a seed."""
    mask = (1 << 64) - 1
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        z = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        yield z ^ (z >> 31)


def xoshiro128(*state):
    """Every output of xoshiro128++ from a state of four words."""
    s, mask = list(state), (1 << 32) - 1

    def rotated(word, by):
        return (word << by | word >> 32 - by) & mask

    while True:
        yield (rotated((s[0] + s[3]) & mask, 7) + s[0]) & mask
        shifted = s[1] << 9 & mask
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= shifted
        s[3] = rotated(s[3], 11)


def normal_pairs(first, second):
    """Radius and both normal numbers of pairs of words (uint32), as `box_muller.pair_from_words` defines them."""
    uniform = ((first >> np.uint32(1)).astype(np.float32) + np.float32(0.5)) * np.float32(2.0**-31)
    radius = np.sqrt(-2 * np.log(uniform.astype(np.float64)))
    quarter, share = second >> np.uint32(30), (second & np.uint32(2**30 - 1)) * (np.pi / 2**31)
    along = np.where(quarter & 2, 1, -1) * np.sin(share)
    across = np.where(quarter & 1, 1, -1) * np.cos(share)
    return radius, radius * along, radius * across


def polar(bits):
    """Radius and cosine from 64 bits, as `box_muller.polar_from_bits` defines them."""
    upper, lower = bits >> np.uint64(40), bits & np.uint64(2**24 - 1)
    return np.sqrt(-2 * np.log((upper + np.uint64(1)) / 2**24)), np.cos(lower * (2 * np.pi / 2**24))
