"""T5's buckets, as transformers computes them."""

import torch
from transformers.models.t5.modeling_t5 import T5Attention

from write import write

# Our distances are query − key; T5's relative positions are key − query.
DISTANCES = [*range(-40, 41), *(sign * d for d in [63, 64, 90, 91, 127, 128, 129, 500, 1000, 4000] for sign in (1, -1))]
OPTIONS = [(32, 128), (32, 64), (16, 1000), (8, 20)]


def buckets(bidirectional, count, maximum):
    relative = -torch.tensor(DISTANCES)
    return T5Attention._relative_position_bucket(relative, bidirectional, count, maximum).tolist()


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
    },
)
