"""Weights of forgetting attention, as flash-linear-attention's reference computes them (naive_forgetting_attn), with the gates
of its layer: logsigmoid of a Linear."""

import importlib.util
import pathlib

import torch
from torch import nn
from torch.nn import functional as F

from write import numbers, write

# The package imports Triton, which needs a GPU; this file of it needs torch alone.
package = pathlib.Path(importlib.util.find_spec("fla").submodule_search_locations[0])
spec = importlib.util.spec_from_file_location("naive", package / "ops" / "forgetting_attn" / "naive.py")
naive = importlib.util.module_from_spec(spec)
spec.loader.exec_module(naive)

LENGTH, HEADS, HEAD_DIM, MODEL_DIM = 7, 2, 4, 6
torch.manual_seed(1)
q, k = torch.randn(2, 1, LENGTH, HEADS, HEAD_DIM)
x = torch.randn(1, LENGTH, MODEL_DIM)
projection = nn.Linear(MODEL_DIM, HEADS)
gates = F.logsigmoid(projection(x))
# Values that pick a key each: what comes out is the weights.
values = torch.eye(LENGTH)[None, :, None, :].expand(1, LENGTH, HEADS, LENGTH)


weights = naive.naive_forgetting_attn(q, k, values, gates)

write(
    "forgetting",
    "weights",
    ["flash-linear-attention"],
    {
        "q": numbers(q[0].transpose(0, 1)),
        "k": numbers(k[0].transpose(0, 1)),
        "x": numbers(x[0]),
        "w": numbers(projection.weight.T.detach()),
        "b": numbers(projection.bias.detach()),
        "gates": numbers(gates[0].detach()),
        "weights": numbers(weights[0].transpose(0, 1).detach()),
    },
)
