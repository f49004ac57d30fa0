"""Attention weights with a window and a sink logit a head, as transformers' gpt-oss computes them."""

from types import SimpleNamespace

import torch
from transformers.models.gpt_oss.modeling_gpt_oss import eager_attention_forward

from write import numbers, write

LENGTH, HEADS, HEAD_DIM, WINDOW = 9, 3, 4, 4
torch.manual_seed(1)
q, k = torch.randn(2, 1, HEADS, LENGTH, HEAD_DIM)
places = torch.arange(LENGTH)
behind = places[:, None] - places
# sliding_window_overlay of transformers: keys less than a window behind.
visible = (behind >= 0) & (behind < WINDOW)
mask = torch.where(visible, 0.0, torch.finfo(torch.float32).min)[None, None]


def weights(sinks):
    attention = SimpleNamespace(num_key_value_groups=1, sinks=torch.tensor(sinks), training=False)
    return numbers(eager_attention_forward(attention, q, k, k, mask, HEAD_DIM**-0.5)[1][0])


SINKS = [0.7, -1.3, 2.1]
write(
    "streaming",
    "weights",
    ["transformers"],
    {
        "q": numbers(q[0]),
        "k": numbers(k[0]),
        "window": WINDOW,
        "learned": {"logits": SINKS, "weights": weights(SINKS)},
        "offByOne": weights([0.0] * HEADS),
    },
)
