"""Causal attention with ALiBi in PyTorch, three ways; each takes q, k, v of [B, H, L, headDim]."""

import math

import torch
import torch.nn.functional as F

WAYS = ["eager", "sdpa", "flex"]


def slopes_of(heads, device):
    """As in the paper's code, for powers of two."""
    return torch.tensor([2 ** (-8 * (k + 1) / heads) for k in range(heads)], device=device)


def matrix(heads, length, device):
    """Bias and causal mask, [H, L, L]."""
    distance = torch.arange(length, device=device)[:, None] - torch.arange(length, device=device)[None, :]
    return (-slopes_of(heads, device)[:, None, None] * distance).masked_fill(distance < 0, -torch.inf)


def attention(way, heads, length, device, compiled=False):
    """compiled: within a model that is compiled whole; flex_attention is compiled by itself otherwise."""
    if way == "flex":
        return flex(heads, length, device, compiled)
    bias = matrix(heads, length, device)
    if way == "sdpa":
        return lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=bias)

    def eager(q, k, v):
        """As the paper's code: the bias is added to the scores."""
        return torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + bias, dim=-1) @ v

    return eager


def flex(heads, length, device, compiled):
    """The bias as a function of indices, compiled into the kernel (on CPU it has no backward); keys ahead are skipped by blocks."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    rate = slopes_of(heads, device)
    attend = flex_attention if compiled else torch.compile(flex_attention)
    mask = create_block_mask(lambda b, h, i, j: i >= j, None, None, length, length, device=device)
    return lambda q, k, v: attend(q, k, v, score_mod=lambda s, b, h, i, j: s - rate[h] * (i - j), block_mask=mask)
