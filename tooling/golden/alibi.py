"""ALiBi's slopes and biases as BLOOM and MPT compute them (two formulations), the author's variants for encoders, and
attention with its gradients in float64."""

import torch
from transformers.models.bloom.modeling_bloom import build_alibi_tensor
from transformers.models.mpt.modeling_mpt import build_mpt_alibi_tensor

from write import numbers, write

HEADS = [*range(1, 17), 20, 24, 32, 40, 48, 64, 112]


def bloom(heads):
    # Column form: slope·position of the key; the slope is its value at position 1.
    return build_alibi_tensor(torch.ones(1, 2), heads, torch.float32)[:, 0, 1]


def mpt(heads, max_bias=8):
    # Relative to the last key: −slope one before it.
    return -build_mpt_alibi_tensor(heads, 2, max_bias)[:, 0, 0]


def last_row(heads, length):
    """The bias of the last query, twice: MPT's, and BLOOM's brought to 0 on the diagonal."""
    column = build_alibi_tensor(torch.ones(1, length), heads, torch.float32)[:, 0]
    return numbers(build_mpt_alibi_tensor(heads, length)[:, 0]), numbers(column - column[:, -1:])


def encoder(heads, length):
    """The biases of ofirpress/attention_with_linear_biases#5, which no library has, restated; BLOOM's slopes.

    The nonsymmetric one masks with -inf, so it is given as the attention it makes of equal scores.
    """
    distance = (torch.arange(length)[None, :] - torch.arange(length)[:, None]).abs()
    shut = torch.full((length, length), -torch.inf)
    masks = torch.stack([shut.triu(1), shut.tril(-1)]).repeat_interleave(heads // 2, dim=0)
    symmetric = -bloom(heads)[:, None, None] * distance
    nonsymmetric = (-bloom(heads // 2)[:, None, None] * distance).repeat(2, 1, 1) + masks
    return {"symmetric": numbers(symmetric), "nonsymmetricWeights": numbers(nonsymmetric.softmax(-1))}


mpt_row, bloom_row = last_row(3, 6)
write(
    "alibi",
    "slopes",
    ["transformers"],
    {
        "bloom": {n: numbers(bloom(n)) for n in HEADS},
        "mpt": {n: numbers(mpt(n)) for n in HEADS},
        "mptMaxBias16": {n: numbers(mpt(n, 16)) for n in [4, 12]},
        "lastRow": {"mpt": mpt_row, "bloom": bloom_row},
        **encoder(4, 5),
    },
)


def attention(batch, length, past, heads=3, head_dim=4):
    """softmax(q·kᵀ/√d − slope·distance)·v, causal, the queries last, and the gradients of a weighted sum."""
    torch.manual_seed(length)
    # Two decimals, to be short to write.
    q, k, v, weight = (
        torch.randn(batch, heads, n, head_dim, dtype=torch.float64).round(decimals=2)
        for n in (length - past, length, length, length - past)
    )
    slopes = bloom(heads).double()
    inputs = [x.requires_grad_() for x in (q, k, v, slopes)]
    keys = torch.arange(length)
    distance = keys[past:, None] - keys[None, :]
    bias = (-slopes[:, None, None] * distance).masked_fill(distance < 0, -torch.inf)
    out = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=bias.expand(batch, -1, -1, -1))
    gradients = torch.autograd.grad((out * weight).sum(), inputs)
    named = dict(zip(["q", "k", "v", "slopes"], inputs))
    return {
        **{name: numbers(x.detach()) for name, x in named.items()},
        "weight": numbers(weight),
        "out": numbers(out.detach()),
        "gradients": {name: numbers(g) for name, g in zip(named, gradients)},
    }


write("transformer", "attention", ["transformers"], {"full": attention(1, 9, 0), "decoding": attention(2, 6, 4)})
