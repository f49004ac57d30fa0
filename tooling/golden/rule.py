"""Weights that a rule gives, so that tests make the same files: no array is kept."""

import numpy as np


def values(name, shape):
    """Uniform in ±1/4, around 1 for the scales of norms: a hash of the array's name and the place in it."""
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = (seed ^ byte) * 0x01000193 & 0xFFFFFFFF
    x = np.arange(np.prod(shape), dtype=np.uint64) * 2654435761 + seed & 0xFFFFFFFF
    for shift, factor in [(16, 0x85EBCA6B), (13, 0xC2B2AE35)]:
        x = (x ^ x >> shift) * factor & 0xFFFFFFFF
    x = x ^ x >> 16
    centre = 1 if len(shape) == 1 and name.endswith("weight") else 0
    return (centre + ((x >> 8) / 2**24 - 0.5) / 2).astype(np.float32).reshape(shape)
