"""Sandwich as its paper's appendix builds it: products of sinusoidal embeddings with each other, in float64."""

import torch

from write import numbers, write

LENGTH = 60


def case(heads, width, base):
    positions = torch.arange(LENGTH, dtype=torch.float64)[:, None]
    angles = positions / base ** (2 * torch.arange(width // 2, dtype=torch.float64) / width)
    embeddings = torch.cat([angles.sin(), angles.cos()], -1)
    compression = torch.arange(1, heads + 1, dtype=torch.float64) * 8 / heads
    scores = (embeddings @ embeddings.T)[-1] / compression[:, None]
    return {"numHeads": heads, "width": width, "base": base, "scores": numbers(scores), "weights": numbers(scores.softmax(-1))}


write("sandwich", "bias", [], {"cases": [case(8, 128, 10_000), case(3, 16, 500)]})
