"""Sinusoids in Vaswani's layout (XLM's code) and in fairseq's (M2M-100's, which was ported from it)."""

import torch
from transformers.models.m2m_100.modeling_m2m_100 import M2M100SinusoidalPositionalEmbedding
from transformers.models.xlm.modeling_xlm import create_sinusoidal_embeddings

from write import numbers, write

POSITIONS, DIMENSION = 12, 8
vaswani = torch.empty(POSITIONS, DIMENSION)
create_sinusoidal_embeddings(POSITIONS, DIMENSION, vaswani)
# Row padding_idx + 1 is the first token's.
padding_idx = 1
fairseq = M2M100SinusoidalPositionalEmbedding.get_embedding(POSITIONS + 2, DIMENSION, padding_idx)[padding_idx + 1 :]

write(
    "sinusoidal",
    "rows",
    ["transformers"],
    {"modelDim": DIMENSION, "vaswani": numbers(vaswani), "fairseq": numbers(fairseq)},
)
