"""Rotated queries and keys (Llama, GPT-J, GPT-NeoX), scaled frequencies (transformers), xPos (rotary-embedding-torch)."""

import torch
from rotary_embedding_torch import RotaryEmbedding
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.gpt_neox.modeling_gpt_neox import apply_rotary_pos_emb as neox
from transformers.models.gptj.modeling_gptj import apply_rotary_pos_emb as gptj
from transformers.models.gptj.modeling_gptj import create_sinusoidal_positions
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb as llama

from write import numbers, write

LENGTH, HEAD_DIM = 6, 8
START = 3
torch.manual_seed(1)
q, k = torch.randn(2, 1, 1, LENGTH, HEAD_DIM)
positions = torch.arange(START, START + LENGTH)[None]


def config(head_dim, **rope):
    return LlamaConfig(
        hidden_size=head_dim,
        num_attention_heads=1,
        max_position_embeddings=rope.pop("max_position_embeddings", 256),
        rope_parameters={"rope_theta": 10_000.0, **rope},
    )


half = llama(q, k, *LlamaRotaryEmbedding(config(HEAD_DIM, rope_type="default"))(q, positions))
partial = neox(q, k, *LlamaRotaryEmbedding(config(4, rope_type="default"))(q, positions))
sin, cos = create_sinusoidal_positions(START + LENGTH, HEAD_DIM)[START:].chunk(2, dim=-1)
# GPT-J has heads third.
interleaved = [gptj(x.transpose(1, 2), sin[None], cos[None]).transpose(1, 2) for x in (q, k)]


def scaled(dim, rope_type, length=None, **rope):
    frequencies, magnitude = ROPE_INIT_FUNCTIONS[rope_type](config(dim, rope_type=rope_type, **rope), "cpu", length)
    return {"rotaryDim": dim, "frequencies": numbers(frequencies), "magnitude": magnitude}


def xpos():
    rope = RotaryEmbedding(dim=HEAD_DIM, use_xpos=True, xpos_scale_base=512)
    rotated_q, rotated_k = rope.rotate_queries_and_keys(q, k)
    # It centres positions on the sequence, which cancels in the products of queries and keys.
    return numbers((rotated_q @ rotated_k.transpose(-1, -2))[0, 0])


def ntk(dim, factor):
    return numbers(RotaryEmbedding(dim=dim, theta_rescale_factor=factor).freqs.detach())


write(
    "rotary",
    "rotary",
    ["transformers", "rotary-embedding-torch"],
    {
        "start": START,
        "q": numbers(q[0, 0]),
        "k": numbers(k[0, 0]),
        "half": [numbers(x[0, 0]) for x in half],
        "interleaved": [numbers(x[0, 0]) for x in interleaved],
        "partial": [numbers(x[0, 0]) for x in partial],
        "xpos": xpos(),
        "linear": scaled(16, "linear", factor=4.0),
        "ntk": {"rotaryDim": 16, "frequencies": ntk(16, 4.0)},
        # factor 1 makes it the paper's, evalLength / trainLength
        "dynamic": scaled(16, "dynamic", length=1024, factor=1.0, max_position_embeddings=256),
        "dynamicByLength": [
            {"length": length, **scaled(16, "dynamic", length=length, factor=2.0, max_position_embeddings=256)}
            for length in (100, 256, 257, 1024)
        ],
        "longrope": [
            {
                "length": length,
                **scaled(
                    8,
                    "longrope",
                    length=length,
                    short_factor=[1.0, 1.1, 1.3, 1.5],
                    long_factor=[1.0, 2.5, 6.0, 8.0],
                    original_max_position_embeddings=256,
                    max_position_embeddings=2048,
                    factor=8.0,
                ),
            }
            for length in (256, 257)
        ],
        "proportional": scaled(16, "proportional", partial_rotary_factor=0.3, factor=2.0),
        "yarn": [
            scaled(64, "yarn", factor=4.0, original_max_position_embeddings=256),
            scaled(16, "yarn", factor=16.0, original_max_position_embeddings=2048),
        ],
        "yarnOptions": [
            {"options": options, **scaled(64, "yarn", factor=4.0, original_max_position_embeddings=256, **options)}
            for options in (
                {"attention_factor": 1.0},
                {"attention_factor": 0.5, "mscale": 0.7, "mscale_all_dim": 2.0},
                {"mscale": 1.0, "mscale_all_dim": 0.5},
                {"mscale": 0.707, "mscale_all_dim": 0.707},
                {"truncate": False},
                {"truncate": False, "beta_fast": 40.0, "beta_slow": 2.0, "mscale": 2.0, "mscale_all_dim": 1.0},
                {"truncate": True},
            )
        ],
        "llama3": scaled(
            64,
            "llama3",
            factor=8.0,
            low_freq_factor=1.0,
            high_freq_factor=4.0,
            original_max_position_embeddings=8192,
            max_position_embeddings=131072,
        ),
    },
)
