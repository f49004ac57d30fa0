"""Greedy decoding and prefill in transformers, for `pnpm speed`: BLOOM, from a folder that this project wrote."""

import argparse
import time

import torch
import torch.nn.functional as F
import transformers
from transformers import BloomForCausalLM, DynamicCache, StaticCache

from serve import serve
from start import read_start

parser = argparse.ArgumentParser()
parser.add_argument("--start", required=True)
parser.add_argument("--folder", required=True)
parser.add_argument("--way", choices=["loop", "generate", "static-generate", "static", "compiled", "prefill"], required=True)
parser.add_argument("--threads", type=int, required=True)
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)
start = read_start(options.start)
L = start.rows.shape[1] - 1
model = BloomForCausalLM.from_pretrained(options.folder).eval()


@torch.no_grad()
def read(prompt, cache, **asked):
    """The logits of the last token."""
    return model(prompt, past_key_values=cache, logits_to_keep=1, **asked).logits[:, -1]


def growing():
    return DynamicCache(config=model.config)


# One graph for every token, whose cache has room from the start.
step = torch.compile(model.forward) if options.way == "compiled" else model


@torch.no_grad()
def loop(prompt, new):
    """Logits of tokens after a prompt, each read before the next; the seconds a token after the first."""
    if options.way == "loop":
        cache, asked = growing(), {}
    else:
        # BLOOM's biases are as wide as its mask. Room in steps of 128 tokens, so that a graph fits several runs.
        room = -(-(prompt.shape[1] + new) // 128) * 128
        cache, asked = StaticCache(config=model.config, max_cache_len=room), {"attention_mask": torch.ones(1, room).long()}
    last = read(prompt, cache, **asked)
    logits = [last]
    token = last.argmax(-1, keepdim=True)
    token.item()
    started = time.perf_counter()
    for _ in range(new):
        last = step(token, past_key_values=cache, **asked).logits[:, -1]
        logits.append(last)
        token = last.argmax(-1, keepdim=True)
        token.item()
    return logits, (time.perf_counter() - started) / new


def generate(prompt, new):
    # Without a mask, tokens that are the padding's would be taken for padding.
    settings = {"do_sample": False, "pad_token_id": 0, "attention_mask": torch.ones_like(prompt)}
    settings |= {"output_logits": True, "return_dict_in_generate": True}
    if options.way == "static-generate":
        settings["cache_implementation"] = "static"

    def timed(count):
        started = time.perf_counter()
        made = model.generate(prompt, max_new_tokens=count, min_new_tokens=count, **settings)
        return made.logits, time.perf_counter() - started

    # The first token comes with the prompt.
    logits, all_of_them = timed(new + 1)
    return logits, (all_of_them - timed(1)[1]) / new


def prefill(prompt, new):
    for _ in range(new):
        read(prompt, growing())


way = generate if "generate" in options.way else loop


def run(steps):
    prompt = torch.randint(start.vocabulary, (1, L))
    return prefill(prompt, steps) if options.way == "prefill" else way(prompt, steps)[1]


golden = torch.tensor(start.rows)
answers = [F.cross_entropy(read(golden[:, :-1], growing()), golden[:, -1]).item()]
if options.way != "prefill":
    # Greedy tokens, and −ln p of each.
    logits = torch.stack(tuple(way(golden[:, :-1], 8)[0]))[:8, 0].float()
    answers += [*logits.argmax(-1), *-logits.log_softmax(-1).amax(-1)]
serve(run, {"torch": torch.__version__, "transformers": transformers.__version__}, answers)
