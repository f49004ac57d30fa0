"""Shared by the scripts of transformers' models: folders of small ones, and their logits."""

import json
import pathlib

import torch
from safetensors import safe_open
from safetensors.numpy import save_file
from transformers import AutoModelForCausalLM

from rule import values

PAD = 5


def shapes(path):
    with safe_open(path, "np") as file:
        return {name: list(file.get_slice(name).get_shape()) for name in sorted(file.keys())}


def make_folder(config, folder):
    """Saves a model of the config with the rule's weights; config.json and the shapes of its arrays."""
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    path = pathlib.Path(folder) / "model.safetensors"
    arrays = shapes(path)
    save_file({name: values(name, shape) for name, shape in arrays.items()}, path, metadata={"format": "pt"})
    return json.loads((pathlib.Path(folder) / "config.json").read_text()), arrays


def load(folder):
    # Eager attention of Falcon adds ALiBi's biases twice (transformers 5.18).
    kind = json.loads((pathlib.Path(folder) / "config.json").read_text())["model_type"]
    attention = "sdpa" if kind == "falcon" else "eager"
    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation=attention, dtype=torch.float32).eval()


@torch.no_grad()
def logits(model, tokens, prefill=5):
    """Of the whole sequence; transformers itself gives them from a cache and left-padded too."""
    ids = torch.tensor([tokens])
    full = model(ids).logits
    cache = model(ids[:, :prefill], use_cache=True)
    rest = model(ids[:, prefill:], past_key_values=cache.past_key_values, use_cache=True)
    torch.testing.assert_close(torch.cat([cache.logits, rest.logits], 1), full, rtol=1e-4, atol=1e-4)
    padded = torch.cat([torch.zeros(1, PAD, dtype=torch.long), ids], 1)
    mask = (torch.arange(padded.shape[1]) >= PAD).long()[None]
    places = {} if model.config.model_type in ("bloom", "mpt") else {"position_ids": (mask.cumsum(-1) - 1).clamp(min=0)}
    alone = model(padded, attention_mask=mask, **places).logits[:, PAD:]
    torch.testing.assert_close(alone, full, rtol=1e-4, atol=1e-4)
    return full[0]
