"""Attention weights with a window and a sink logit a head, as transformers' gpt-oss computes them; and those of StreamingLLM
(mit-han-lab/streaming-llm: StartRecentKVCache with llama_pos_shift_attention_forward), whose steps are restated here with
transformers' rotation."""

from types import SimpleNamespace

import torch
from transformers.models.gpt_oss.modeling_gpt_oss import eager_attention_forward
from transformers.models.llama.modeling_llama import rotate_half

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


START, RECENT, TEXT = 2, 3, 12
text_q, text_k = torch.randn(2, HEADS, TEXT, HEAD_DIM, dtype=torch.float64)
frequencies = 10_000.0 ** -(torch.arange(0, HEAD_DIM, 2, dtype=torch.float64) / HEAD_DIM)
SLOPES = torch.tensor([0.5, 0.25, 0.125], dtype=torch.float64)


def turned(x, positions):
    angles = (positions[:, None] * frequencies).repeat(1, 2)
    return x * angles.cos() + rotate_half(x) * angles.sin()


def streamed(turn, bias):
    """A token at a time: keys are turned at their places in the cache, the query at the last; then the cache is cut."""
    kept, rows = [], torch.zeros(HEADS, TEXT, TEXT, dtype=torch.float64)
    for token in range(TEXT):
        kept.append(token)
        in_cache = torch.arange(len(kept))
        query = turn(text_q[:, token : token + 1], in_cache[-1:])
        scores = query @ turn(text_k[:, kept], in_cache).mT / HEAD_DIM**0.5 + bias(in_cache)
        rows[:, token, kept] = torch.softmax(scores[:, 0], dim=-1)
        if len(kept) > START + RECENT:
            kept = kept[:START] + kept[-RECENT:]
    return numbers(rows)


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
        "inCache": {
            "q": numbers(text_q),
            "k": numbers(text_k),
            "sinks": START,
            "window": RECENT + 1,
            "rotary": streamed(turned, lambda in_cache: 0.0),
            "alibi": streamed(lambda x, _: x, lambda in_cache: SLOPES[:, None, None] * (in_cache - in_cache[-1])),
        },
    },
)
