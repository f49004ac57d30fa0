"""Steps, passes and prefill of the same model in PyTorch, for `pnpm speed`."""

import argparse

import torch
import torch.nn.functional as F

from serve import serve
from start import read_start
from torch_attention import WAYS, attention
from torch_model import Model

parser = argparse.ArgumentParser()
parser.add_argument("--start", required=True)
parser.add_argument("--work", choices=["train", "evaluate", "prefill"], required=True)
parser.add_argument("--attention", choices=WAYS, required=True)
parser.add_argument("--compile", action="store_true", help="torch.compile the model and its loss")
parser.add_argument("--device", default="cpu")
parser.add_argument("--threads", type=int, required=True)
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)
torch.set_default_device(options.device)
start = read_start(options.start)
B, L = start.rows.shape[0], start.rows.shape[1] - 1
golden = torch.tensor(start.rows)
model = Model(start, attention(options.attention, start.heads, L, options.device, options.compile))
work = model.prefill if options.work == "prefill" else model.loss
if options.compile:
    work = torch.compile(work, fullgraph=True)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0, fused=True)


def train(rows):
    loss = work(rows)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.item()


@torch.no_grad()
def evaluate(rows):
    return work(rows).item()


@torch.no_grad()
def prefill(rows):
    """−ln p of the token that follows; reading it waits for the pass."""
    logits, _ = work(rows[:, :-1])
    return F.cross_entropy(logits, rows[:, -1]).item()


step = {"train": train, "evaluate": evaluate, "prefill": prefill}[options.work]


def run(steps):
    for _ in range(steps):
        step(torch.randint(start.vocabulary, (B, L + 1)))


answers = [step(golden) for _ in range(3 if options.work == "train" else 1)]
serve(run, {"torch": torch.__version__}, answers)
