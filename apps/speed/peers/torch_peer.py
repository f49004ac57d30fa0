"""The same model and step in PyTorch, for `pnpm speed`: reads a number of steps a line, answers with seconds a step.

Letters: B batch, L tokens, D width, H heads.
"""

import argparse
import json
import math
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

from torch_attention import WAYS, attention

parser = argparse.ArgumentParser()
parser.add_argument("--attention", choices=WAYS, required=True)
parser.add_argument("--device", default="cpu")
parser.add_argument("--forward", action="store_true", help="an evaluation pass instead of a training step")
parser.add_argument("--compile", action="store_true", help="torch.compile the model")
for name in ["batch", "length", "layers", "dim", "heads", "vocabulary", "threads"]:
    parser.add_argument(f"--{name}", type=int, required=True)
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)
B, L, D, H = options.batch, options.length, options.dim, options.heads
torch.set_default_device(options.device)
attend = attention(options.attention, H, L, options.device, options.forward)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(D), nn.LayerNorm(D)
        self.qkv, self.out = nn.Linear(D, 3 * D), nn.Linear(D, D)
        self.up, self.down = nn.Linear(D, 4 * D), nn.Linear(4 * D, D)

    def forward(self, x):
        q, k, v = self.qkv(self.norm1(x)).view(B, L, 3, H, D // H).permute(2, 0, 3, 1, 4)
        mixed = attend(q, k, v)
        x = x + self.out(mixed.transpose(1, 2).reshape(B, L, D))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(options.vocabulary, D)
        self.blocks = nn.ModuleList(Block() for _ in range(options.layers))
        self.norm = nn.LayerNorm(D)

    def forward(self, tokens):
        x = self.embedding(tokens) * math.sqrt(D)
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.embedding.weight.T


model = Model()
run = torch.compile(model) if options.compile else model
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0, fused=True)


def step():
    rows = torch.randint(options.vocabulary, (B, L + 1))
    loss = F.cross_entropy(run(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.item()


@torch.no_grad()
def read():
    rows = torch.randint(options.vocabulary, (B, L + 1))
    return F.cross_entropy(run(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten()).item()


work = read if options.forward else step
if options.compile or options.attention == "flex":
    work()
print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
for line in sys.stdin:
    steps = int(line)
    started = time.perf_counter()
    for _ in range(steps):
        work()
    print((time.perf_counter() - started) / steps, flush=True)
