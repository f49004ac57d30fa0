"""Greedy decoding in transformers for `pnpm speed`: reads a number of tokens a line, answers with seconds a token.

BLOOM is the same architecture with ALiBi. Reading the prompt is not timed.
"""

import argparse
import sys
import time

import torch
from transformers import BloomConfig, BloomForCausalLM, DynamicCache

parser = argparse.ArgumentParser()
parser.add_argument("--way", choices=["loop", "generate"], required=True)
for name in ["prompt", "layers", "dim", "heads", "vocabulary", "threads"]:
    parser.add_argument(f"--{name}", type=int, required=True)
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)
config = BloomConfig(
    vocab_size=options.vocabulary,
    hidden_size=options.dim,
    n_layer=options.layers,
    n_head=options.heads,
    eos_token_id=None,
)
model = BloomForCausalLM(config).eval()


@torch.no_grad()
def loop(prompt, count):
    cache = DynamicCache(config=config)
    last = model(prompt, past_key_values=cache).logits[:, -1:].argmax(-1)
    started = time.perf_counter()
    for _ in range(count):
        last = model(last, past_key_values=cache).logits[:, -1:].argmax(-1)
    return (time.perf_counter() - started) / count


def generate(prompt, count):
    def seconds(tokens):
        started = time.perf_counter()
        model.generate(prompt, do_sample=False, max_new_tokens=tokens, min_new_tokens=tokens)
        return time.perf_counter() - started

    # The first token comes with the prompt.
    return (seconds(count + 1) - seconds(1)) / count


way = loop if options.way == "loop" else generate
print("ready", flush=True)
for line in sys.stdin:
    prompt = torch.randint(options.vocabulary, (1, options.prompt))
    print(way(prompt, int(line)), flush=True)
