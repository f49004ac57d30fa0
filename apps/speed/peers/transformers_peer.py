"""Greedy decoding and prefill in transformers, for `pnpm speed`: BLOOM, from a folder that this project wrote."""

import argparse
import time

import torch
import torch.nn.functional as F
import transformers
from transformers import BloomForCausalLM, CompileConfig, DynamicCache

from serve import serve
from start import read_start

parser = argparse.ArgumentParser()
parser.add_argument("--start", required=True)
parser.add_argument("--folder", required=True)
parser.add_argument("--way", choices=["loop", "generate", "static", "compiled", "prefill"], required=True)
parser.add_argument("--threads", type=int, required=True)
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)
start = read_start(options.start)
L = start.rows.shape[1] - 1
model = BloomForCausalLM.from_pretrained(options.folder).eval()


@torch.no_grad()
def read(prompt):
    """The logits of the last token, and the cache."""
    cache = DynamicCache(config=model.config)
    return model(prompt, past_key_values=cache, logits_to_keep=1).logits[:, -1], cache


@torch.no_grad()
def loop(prompt, new):
    """Logits of tokens after a prompt, each read before the next; the seconds a token after the first."""
    last, cache = read(prompt)
    logits = [last]
    token = last.argmax(-1, keepdim=True)
    token.item()
    started = time.perf_counter()
    for _ in range(new):
        last = model(token, past_key_values=cache).logits[:, -1]
        logits.append(last)
        token = last.argmax(-1, keepdim=True)
        token.item()
    return logits, (time.perf_counter() - started) / new


def generate(prompt, new):
    # Without a mask, tokens that are the padding's would be taken for padding.
    settings = {"do_sample": False, "pad_token_id": 0, "attention_mask": torch.ones_like(prompt)}
    settings |= {"output_logits": True, "return_dict_in_generate": True}
    if options.way != "generate":
        settings |= {"cache_implementation": "static", "disable_compile": options.way == "static"}
    if options.way == "compiled":
        settings["compile_config"] = CompileConfig(mode="default", fullgraph=True)
        settings["compile_config"]._compile_all_devices = True

    def timed(count):
        started = time.perf_counter()
        made = model.generate(prompt, max_new_tokens=count, min_new_tokens=count, **settings)
        return made.logits, time.perf_counter() - started

    # The first token comes with the prompt. A cache is kept for the most tokens, so that a graph is made once.
    logits, all_of_them = timed(new + 1)
    return logits, (all_of_them - timed(1)[1]) / new


def prefill(prompt, new):
    for _ in range(new):
        read(prompt)


way = {"loop": loop, "prefill": prefill}.get(options.way, generate)


def run(steps):
    prompt = torch.randint(start.vocabulary, (1, L))
    if options.way != "prefill":
        return way(prompt, steps)[1]
    return prefill(prompt, steps)


golden = torch.tensor(start.rows)
answers = [F.cross_entropy(read(golden[:, :-1])[0], golden[:, -1]).item()]
if options.way != "prefill":
    # Greedy tokens, and −ln p of each.
    logits = torch.stack(tuple(way(golden[:, :-1], 8)[0]))[:8, 0].float()
    answers += [*logits.argmax(-1), *-logits.log_softmax(-1).amax(-1)]
serve(run, {"torch": torch.__version__, "transformers": transformers.__version__}, answers)
