"""Losses of small random models of transformers whose config.json got another scaling after they were saved."""

import json
import pathlib
import tempfile

import torch
from safetensors import safe_open
from safetensors.numpy import save_file
from transformers import AutoModelForCausalLM, GPTNeoXConfig, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config, SmolLM3Config

from rule import values
from write import write

TRAIN_LENGTH, LENGTHS, SCORED = 32, (32, 128), 128
# One token a byte; chunks of every length are whole, since transformers keeps dynamic scalings from one to the next.
IDS = [(i * i * 31 + i // 7 * 17 + 5) % 96 + 32 for i in range(SCORED + 1)]

SIZES = {"vocab_size": 128, "hidden_size": 32, "num_hidden_layers": 2, "max_position_embeddings": TRAIN_LENGTH}
GATED = {**SIZES, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 44}
# Each with the features of a head that rotate. Two have every scaling.
FAMILIES = {
    "llama": (LlamaConfig(**GATED), 8),
    "gpt_neox": (GPTNeoXConfig(**SIZES, num_attention_heads=2, intermediate_size=56, rotary_pct=0.5), 8),
    # A window that is shorter than the text.
    "mistral": (MistralConfig(**GATED, sliding_window=48), 8),
    "qwen2": (Qwen2Config(**GATED), 8),
    # Heads wider than their share of the model.
    "qwen3": (Qwen3Config(**GATED, head_dim=12), 12),
    # No positions in every second layer.
    "smollm3": (SmolLM3Config(**GATED, no_rope_layer_interval=2, pad_token_id=0), 8),
}

# By what the command line calls them; the features that rotate, and the base, are the file's.
ORIGINAL = {"original_max_position_embeddings": TRAIN_LENGTH}
SCALINGS = {
    "linear:factor=2": lambda rope, dim: {**rope, "rope_type": "linear", "factor": 2.0},
    "ntk:factor=4": lambda rope, dim: {**rope, "rope_theta": rope["rope_theta"] * 4 ** (dim / (dim - 2))},
    "yarn:factor=4": lambda rope, dim: {**rope, **ORIGINAL, "rope_type": "yarn", "factor": 4.0},
    "dynamic:factor=4": lambda rope, dim: {**rope, "rope_type": "dynamic", "factor": 4.0},
    "llama3:factor=4": lambda rope, dim: {
        **{**rope, **ORIGINAL, "rope_type": "llama3", "factor": 4.0},
        **{"low_freq_factor": 1.0, "high_freq_factor": 4.0},
    },
}


@torch.no_grad()
def loss(folder, length):
    """Mean nats a token, in chunks that each predict the token after every one of theirs."""
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    total = 0.0
    for start in range(0, SCORED, length):
        chunk = torch.tensor(IDS[start : start + length + 1])
        total += torch.nn.functional.cross_entropy(model(chunk[None, :-1]).logits[0], chunk[1:], reduction="sum").item()
    return total / SCORED


def case(config, rotary_dim, names):
    with tempfile.TemporaryDirectory() as folder:
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
        path, at = pathlib.Path(folder) / "model.safetensors", pathlib.Path(folder) / "config.json"
        with safe_open(path, "np") as file:
            arrays = {name: list(file.get_slice(name).get_shape()) for name in sorted(file.keys())}
        save_file({name: values(name, shape) for name, shape in arrays.items()}, path, metadata={"format": "pt"})
        saved = json.loads(at.read_text())
        losses = {}
        for name, scaled in {"": lambda rope, dim: rope, **SCALINGS}.items():
            if name and name not in names:
                continue
            at.write_text(json.dumps({**saved, "rope_parameters": scaled(saved["rope_parameters"], rotary_dim)}))
            losses[name] = {length: loss(folder, length) for length in LENGTHS}
        return {"config": saved, "arrays": arrays, "losses": losses}


write(
    "../apps/bench",
    "positions",
    ["transformers"],
    {
        "ids": IDS,
        "families": {
            name: case(*each, SCALINGS if name in ("llama", "gpt_neox") else ("yarn:factor=4", "dynamic:factor=4"))
            for name, each in FAMILIES.items()
        },
    },
)
