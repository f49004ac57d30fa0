"""Attention alone in PyTorch, for `pnpm speed gpu`: reads a number of passes a line, answers with seconds a pass."""

import argparse
import json
import sys
import time

import torch

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


def run():
    out = attend(q, k, v)
    if options.backward:
        torch.autograd.grad(out, (q, k, v), dy)
    return out


def wait():
    if options.device == "cuda":
        torch.cuda.synchronize()


run()
wait()
print(json.dumps({"torch": torch.__version__}), flush=True)
for line in sys.stdin:
    passes = int(line)
    started = time.perf_counter()
    for _ in range(passes):
        run()
    wait()
    print((time.perf_counter() - started) / passes, flush=True)
