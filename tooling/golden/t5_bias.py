"""T5's buckets and biases, as transformers computes them."""

import torch
from transformers import T5Config
from transformers.models.t5.modeling_t5 import T5Attention

from write import numbers, write

# Our distances are query − key; T5's relative positions are key − query.
DISTANCES = [*range(-40, 41), *(sign * d for d in [63, 64, 90, 91, 127, 128, 129, 500, 1000, 4000] for sign in (1, -1))]
# The last, bidirectional, tells fp32 from float64: distance 3 is in bucket 2 or 1.
OPTIONS = [(32, 128), (32, 64), (16, 1000), (8, 20), (6, 9)]


def buckets(bidirectional, count, maximum):
    relative = -torch.tensor(DISTANCES)
    return T5Attention._relative_position_bucket(relative, bidirectional, count, maximum).tolist()


def bias(bidirectional, queries=3, keys=10):
    """The bias of the last queries; head h and bucket b have 100h + b in the table."""
    config = T5Config(
        num_heads=2, relative_attention_num_buckets=8, relative_attention_max_distance=9, is_decoder=not bidirectional
    )
    layer = T5Attention(config, has_relative_attention_bias=True, layer_idx=0)
    with torch.no_grad():
        layer.relative_attention_bias.weight.copy_(torch.arange(8)[:, None] + torch.tensor([0, 100]))
    return numbers(layer.compute_bias(queries, keys, past_seen_tokens=keys - queries)[0].detach())


write(
    "t5-bias",
    "buckets",
    ["transformers"],
    {
        "distances": DISTANCES,
        "cases": [
            {"bidirectional": b, "numBuckets": n, "maxDistance": m, "buckets": buckets(b, n, m)}
            for b in (False, True)
            for n, m in OPTIONS
        ],
        "bias": {"causal": bias(False), "bidirectional": bias(True)},
    },
)
