"""CoPE as its authors compute it (facebookresearch/RAM, projects/cope, ContextPosSelfAttn without options), restated in
PyTorch with its gradients: no library has it."""

import math

import torch

from write import numbers, write

HEADS, LENGTH, HEAD_DIM, POSITIONS = 2, 9, 4, 5
torch.manual_seed(1)
q, k = torch.randn(2, HEADS, LENGTH, HEAD_DIM, dtype=torch.float64)
embeddings = torch.randn(1, HEAD_DIM, POSITIONS, dtype=torch.float64, requires_grad=True)
mask = torch.tril(torch.ones(LENGTH, LENGTH, dtype=torch.float64))

logits = torch.bmm(q, k.transpose(-1, -2))
gates = torch.sigmoid(logits / math.sqrt(HEAD_DIM)) * mask
positions = gates.flip(-1).cumsum(dim=-1).flip(-1).clamp(max=POSITIONS - 1)
fixed = torch.matmul(q, embeddings)
above, below = positions.ceil().long(), positions.floor().long()
share = positions - below
of_positions = fixed.gather(-1, above) * share + fixed.gather(-1, below) * (1 - share)
scores = (logits + of_positions) / math.sqrt(HEAD_DIM)
weights = torch.softmax(scores + mask.log(), dim=-1)
# Of the scores that a mask leaves.
(scores * mask).square().sum().backward()

write(
    "cope",
    "weights",
    [],
    {
        "q": numbers(q),
        "k": numbers(k),
        "embeddings": numbers(embeddings.detach()[0].T),
        "weights": numbers(weights.detach()),
        "gradients": numbers(embeddings.grad[0].T),
    },
)
