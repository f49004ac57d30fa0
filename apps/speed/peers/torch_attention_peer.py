"""Attention alone in PyTorch, for `pnpm speed gpu`."""

import argparse

import torch

from serve import serve
from torch_attention import WAYS, attention

parser = argparse.ArgumentParser()
parser.add_argument("--attention", choices=WAYS, required=True)
parser.add_argument("--backward", action="store_true")
parser.add_argument("--device", default="cuda")
for name in ["heads", "length", "head-dim"]:
    parser.add_argument(f"--{name}", type=int, required=True)
options = parser.parse_args()

attend = attention(options.attention, options.heads, options.length, options.device)
shape = (1, options.heads, options.length, options.head_dim)
q, k, v, dy = (torch.randn(shape, device=options.device) for _ in range(4))
for x in (q, k, v):
    x.requires_grad_(options.backward)


def once():
    out = attend(q, k, v)
    if options.backward:
        torch.autograd.grad(out, (q, k, v), dy)
    return out


def wait():
    if options.device == "cuda":
        torch.cuda.synchronize()


def run(passes):
    for _ in range(passes):
        once()
    wait()


run(1)
serve(run, {"torch": torch.__version__})
