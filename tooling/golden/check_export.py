"""Whether transformers computes from an exported checkpoint what the bench measured on it. With held-out text in a file:

    pnpm bench export runs/…/checkpoints/alibi-seed1 --to bloom --out bloom
    pnpm bench eval bloom --data text --eval-lengths 32,64 | python tooling/golden/check_export.py bloom text/valid.txt

The same for one that was trained on with its positions scaled, whose config.json has the scaling:

    pnpm bench train --from runs/…/checkpoints/rotary-seed1 --positions yarn:factor=4 --train-length 128 --out on
    pnpm bench export on/checkpoints/yarn-factor-4-seed1 --to llama --out llama
    pnpm bench eval llama --data text --eval-lengths 32,128 | python tooling/golden/check_export.py llama text/valid.txt

Text as a folder with train.txt and valid.txt is held out as it says. Fails where losses differ by more than 1e-4.
"""

import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

folder, text = sys.argv[1:]
model, loading = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", output_loading_info=True)
assert not any(loading.values()), loading
tokenizer = AutoTokenizer.from_pretrained(folder)
ids = tokenizer(pathlib.Path(text).read_text(), add_special_tokens=False)["input_ids"]


@torch.no_grad()
def loss(length, count):
    if model.config.model_type == "mpt":
        model.config.max_seq_len = max(model.config.max_seq_len, length)
    total = 0.0
    for start in range(0, count, length):
        chunk = torch.tensor(ids[start : min(start + length, count) + 1])
        total += torch.nn.functional.cross_entropy(model(chunk[None, :-1]).logits[0], chunk[1:], reduction="sum").item()
    return total / count


for line in map(json.loads, sys.stdin):
    theirs = loss(line["evalLength"], line["tokens"])
    print(f"{folder} at {line['evalLength']}: bench {line['lossNats']:.6f}, transformers {theirs:.6f}")
    assert abs(theirs - line["lossNats"]) < 1e-4
