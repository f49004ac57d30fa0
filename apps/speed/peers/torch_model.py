"""The model of `pnpm speed` in PyTorch, from the weights that it wrote. Letters: B batch, L tokens, D width, H heads."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def norm(start, name):
    layer = nn.LayerNorm(start.dim)
    copy(layer.weight, start.arrays[f"{name}.scale"])
    copy(layer.bias, start.arrays[f"{name}.shift"])
    return layer


def linear(start, name):
    weight = start.arrays[f"{name}.weight"]
    layer = nn.Linear(*weight.shape)
    copy(layer.weight, weight.T)
    copy(layer.bias, start.arrays[f"{name}.bias"])
    return layer


@torch.no_grad()
def copy(parameter, array):
    parameter.copy_(torch.tensor(array))


class Block(nn.Module):
    def __init__(self, start, layer, attend):
        super().__init__()
        at = f"layers.{layer}"
        self.norm1, self.norm2 = norm(start, f"{at}.attention_norm"), norm(start, f"{at}.mlp_norm")
        self.qkv, self.out = linear(start, f"{at}.attention.qkv"), linear(start, f"{at}.attention.out")
        self.up, self.down = linear(start, f"{at}.mlp.in"), linear(start, f"{at}.mlp.out")
        self.heads, self.attend = start.heads, attend

    def forward(self, x):
        B, L, D = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(B, L, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
        x = x + self.out(self.attend(q, k, v).transpose(1, 2).reshape(B, L, D))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh")), (k, v)


class Model(nn.Module):
    def __init__(self, start, attend):
        super().__init__()
        self.embedding = nn.Embedding(start.vocabulary, start.dim)
        copy(self.embedding.weight, start.arrays["embedding.weight"])
        # BLOOM's embeddings have a norm, the paper's a factor.
        self.first = norm(start, "embedding_norm") if "embedding_norm.scale" in start.arrays else None
        self.blocks = nn.ModuleList(Block(start, i, attend) for i in range(start.layers))
        self.norm = norm(start, "final_norm")

    def hidden(self, tokens):
        """The last hidden states [B, L, D], and the keys and values of each layer."""
        x = self.embedding(tokens)
        x = self.first(x) if self.first else x * math.sqrt(x.shape[-1])
        cache = []
        for block in self.blocks:
            x, kept = block(x)
            cache.append(kept)
        return self.norm(x), cache

    def loss(self, rows):
        """Mean −ln p of every next token of rows [B, L + 1]."""
        logits = self.hidden(rows[:, :-1])[0] @ self.embedding.weight.T
        return F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())

    def prefill(self, rows):
        """The logits of the last token [B, V] and the cache, which are what decoding goes on from."""
        hidden, cache = self.hidden(rows)
        return hidden[:, -1] @ self.embedding.weight.T, cache
