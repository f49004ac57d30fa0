"""Checkpoints of fairseq and what its language models compute.

`python fairseq.py <folder>` also takes alibi_tiny_L48.pt, its dict.txt, valid.tokens and expected.json from a folder: a checkpoint
that the ALiBi fork of fairseq (ofirpress/attention_with_linear_biases, torch 2.13) trained, with the fork's numbers. Its weights are
kept without the optimizer's state, and the model below is first compared with the fork's log-probabilities.

The small random models are computed here in float64, after fairseq's code: transformer.py, adaptive_input.py, adaptive_softmax.py,
sinusoidal_positional_embedding.py.
"""

import argparse
import collections
import json
import math
import pathlib
import shutil
import sys

import torch

from write import PACKAGES, write

FOLDER = PACKAGES / "fairseq" / "test" / "golden"
FOLDER.mkdir(parents=True, exist_ok=True)


def slopes(heads):
    if math.log2(heads).is_integer():
        return [2 ** (-8 * (k + 1) / heads) for k in range(heads)]
    closest = 2 ** math.floor(math.log2(heads))
    return slopes(closest) + slopes(2 * closest)[0::2][: heads - closest]


def sinusoids(length, dim):
    half = dim // 2
    frequencies = torch.exp(torch.arange(half, dtype=torch.float64) * -(math.log(10000) / (half - 1)))
    angles = (torch.arange(length, dtype=torch.float64) + 2)[:, None] * frequencies[None, :]
    return torch.cat([torch.sin(angles), torch.cos(angles)], dim=1)


def log_probs(weights, options, cutoffs, positions, tokens):
    w = {name: value.double() for name, value in weights.items()}
    dim, heads = options["decoder_embed_dim"], options["decoder_attention_heads"]
    act = {"relu": torch.relu, "gelu": torch.nn.functional.gelu}[options["activation_fn"]]

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(x, name):
        return torch.nn.functional.layer_norm(x, (dim,), w[f"{name}.weight"], w[f"{name}.bias"], 1e-5)

    edges = [0, *cutoffs]
    size = sum(w[f"decoder.embed_tokens.embeddings.{band}.0.weight"].shape[0] for band in range(len(edges)))
    edges.append(size)
    tables = [
        w[f"decoder.embed_tokens.embeddings.{band}.0.weight"] @ w[f"decoder.embed_tokens.embeddings.{band}.1.weight"].T
        for band in range(len(edges) - 1)
    ]
    x = torch.cat(tables)[tokens] * (1 if options["no_scale_embedding"] else math.sqrt(dim))
    length = len(tokens)
    if positions == "sinusoidal":
        x = x + sinusoids(length, dim)
    place = torch.arange(length)
    bias = torch.full((length, length), -math.inf, dtype=torch.float64).triu(1).repeat(heads, 1, 1)
    if positions == "alibi":
        bias = bias + torch.tensor(slopes(heads), dtype=torch.float64)[:, None, None] * (place[None, :] - place[:, None])
    for layer in range(options["decoder_layers"]):
        at = f"decoder.layers.{layer}"
        normed = norm(x, f"{at}.self_attn_layer_norm")
        q, k, v = (
            linear(normed, f"{at}.self_attn.{part}_proj").view(length, heads, dim // heads).transpose(0, 1)
            for part in "qkv"
        )
        mixed = torch.softmax(q @ k.transpose(1, 2) * (dim // heads) ** -0.5 + bias, -1) @ v
        x = x + linear(mixed.transpose(0, 1).reshape(length, dim), f"{at}.self_attn.out_proj")
        x = x + linear(act(linear(norm(x, f"{at}.final_layer_norm"), f"{at}.fc1")), f"{at}.fc2")
    if not options["no_decoder_final_norm"]:
        x = norm(x, "decoder.layer_norm")
    softmax = "decoder.adaptive_softmax"
    head = torch.cat([w[f"{softmax}.head.word_proj.weight"], w[f"{softmax}.head.class_proj.weight"]])
    head = torch.log_softmax(x @ head.T, -1)
    parts = [head[:, : edges[1]]]
    for tail in range(len(edges) - 2):
        inner = x @ w[f"{softmax}.tail.{tail}.0.weight"] @ w[f"{softmax}.tail.{tail}.2.weight"].T
        parts.append(torch.log_softmax(inner, -1) + head[:, edges[1] + tail, None])
    return torch.cat(parts, 1)


def random_weights(options, cutoffs, size, twice):
    generator = torch.Generator().manual_seed(7)

    def normal(*shape):
        return torch.randn(*shape, generator=generator) * 0.3

    dim, factor = options["decoder_embed_dim"], options["adaptive_softmax_factor"]
    w = collections.OrderedDict()
    w["decoder.version"] = torch.tensor([3.0])
    w["decoder.embed_tokens._float_tensor"] = torch.zeros(1)
    edges = [0, *[c for c in cutoffs if c != size], size]
    for band, (start, end) in enumerate(zip(edges, edges[1:])):
        inner = int(dim // factor**band)
        w[f"decoder.embed_tokens.embeddings.{band}.0.weight"] = normal(end - start, inner)
        w[f"decoder.embed_tokens.embeddings.{band}.1.weight"] = normal(dim, inner)
    w["decoder.embed_positions._float_tensor"] = torch.zeros(1)
    for layer in range(options["decoder_layers"]):
        at = f"decoder.layers.{layer}"
        for part in ["self_attn.k_proj", "self_attn.v_proj", "self_attn.q_proj", "self_attn.out_proj"]:
            w[f"{at}.{part}.weight"], w[f"{at}.{part}.bias"] = normal(dim, dim), normal(dim)
        hidden = options["decoder_ffn_embed_dim"]
        w[f"{at}.fc1.weight"], w[f"{at}.fc1.bias"] = normal(hidden, dim), normal(hidden)
        w[f"{at}.fc2.weight"], w[f"{at}.fc2.bias"] = normal(dim, hidden), normal(dim)
        for name in ["self_attn_layer_norm", "final_layer_norm"]:
            w[f"{at}.{name}.weight"], w[f"{at}.{name}.bias"] = 1 + normal(dim), normal(dim)
    if not options["no_decoder_final_norm"]:
        w["decoder.layer_norm.weight"], w["decoder.layer_norm.bias"] = 1 + normal(dim), normal(dim)
    copy = (lambda x: x.clone()) if twice else (lambda x: x)
    softmax, embeddings = "decoder.adaptive_softmax", "decoder.embed_tokens.embeddings"
    w[f"{softmax}.version"] = torch.tensor([1])
    w[f"{softmax}.head._float_tensor"] = torch.zeros(1)
    w[f"{softmax}.head.word_proj.weight"] = copy(w[f"{embeddings}.0.0.weight"])
    w[f"{softmax}.head.class_proj.weight"] = normal(len(edges) - 2, dim)
    for tail in range(len(edges) - 2):
        w[f"{softmax}.tail.{tail}.0.weight"] = copy(w[f"{embeddings}.{tail + 1}.1.weight"])
        w[f"{softmax}.tail.{tail}.2.weight"] = copy(w[f"{embeddings}.{tail + 1}.0.weight"])
    return w


OPTIONS = {
    "activation_fn": "relu",
    "decoder_embed_dim": 12,
    "decoder_input_dim": 12,
    "decoder_output_dim": 12,
    "decoder_ffn_embed_dim": 20,
    "decoder_layers": 2,
    "decoder_attention_heads": 3,
    "decoder_normalize_before": True,
    "no_decoder_final_norm": True,
    "adaptive_softmax_cutoff": "8,20",
    "adaptive_softmax_factor": 2,
    "adaptive_input": True,
    "adaptive_input_factor": 2,
    "adaptive_input_cutoff": "8,20",
    "tie_adaptive_weights": True,
    "tie_adaptive_proj": True,
    "no_token_positional_embeddings": False,
    "no_scale_embedding": False,
    "tokens_per_sample": 16,
    "max_target_positions": 16,
}
SIZE = 32
MARK = {"_name": "transformer_lm_wiki103", "max_tokens": 64}
PLAIN = {"_name": "transformer_lm"}
LEGACY = {"arch": "transformer_lm_wiki103", "max_tokens": 64, "dropout": 0.3, "task": "language_modeling"}
# name: positions, changed options, where they are, dtype, whether tied arrays are stored twice
VARIANTS = {
    "alibi": ("alibi", MARK, "cfg", torch.float32, False),
    "alibi-half-twice": ("alibi", MARK, "cfg", torch.float16, True),
    "alibi-args": ("alibi", LEGACY, "args", torch.float32, True),
    "alibi-namespace": ("alibi", LEGACY | {"adaptive_softmax_cutoff": "8,32", "adaptive_input_cutoff": "8,32"}, "cfg.model", torch.float32, False),
    "sinusoidal": ("sinusoidal", PLAIN | {"no_decoder_final_norm": False, "activation_fn": "gelu"}, "cfg", torch.float32, False),
    "none": ("none", PLAIN | {"no_token_positional_embeddings": True, "no_scale_embedding": True}, "cfg", torch.bfloat16, False),
}

cases = {}
for name, (positions, changed, where, dtype, twice) in VARIANTS.items():
    options = OPTIONS | changed
    cutoffs = [int(c) for c in options["adaptive_softmax_cutoff"].split(",") if int(c) != SIZE]
    weights = random_weights(options, cutoffs, SIZE, twice)
    if dtype != torch.float32:
        half = {id(v): v.to(dtype) if v.is_floating_point() else v for v in weights.values()}
        weights = collections.OrderedDict((k, half[id(v)]) for k, v in weights.items())
    namespace = argparse.Namespace(**options)
    checkpoint = {
        "args": namespace if where == "args" else None,
        "model": weights,
        "optimizer_history": [{"criterion_name": "AdaptiveLoss", "num_updates": 60}],
        "extra_state": {"train_iterator": {"epoch": 1}},
    }
    if where != "args":
        checkpoint["cfg"] = {"_name": None, "model": namespace if where == "cfg.model" else options}
    torch.save(checkpoint, FOLDER / f"{name}.pt")
    tokens = [2] + [(7 * i * i + 3 * i + 4) % SIZE for i in range(47)]
    full = log_probs(weights, options, cutoffs, positions, torch.tensor(tokens))
    cases[name] = {
        "positions": positions,
        "tokens": tokens,
        "nextLogProbs": full[torch.arange(47), torch.tensor(tokens[1:])].tolist(),
        "lastLogProbs": full[-1].tolist(),
    }
write("fairseq", "expected", [], {"models": cases})

if len(sys.argv) > 1:
    source = pathlib.Path(sys.argv[1])
    checkpoint = torch.load(source / "alibi_tiny_L48.pt", weights_only=False)
    fork = json.loads((source / "alibi_tiny_L48.expected.json").read_text())
    options = checkpoint["cfg"]["model"]
    worst = 0
    for case in fork["random_tokens"]:
        tokens = torch.tensor(case["tokens"])
        ours = log_probs(checkpoint["model"], options, [80, 200, 320], "alibi", tokens[:-1])
        wanted = torch.tensor(case["target_log_probs"], dtype=torch.float64)
        worst = max(worst, (ours[torch.arange(len(wanted)), tokens[1:]] - wanted).abs().max().item())
    print("log-probabilities of the fork, float32, differ by at most", worst)
    assert worst < 2e-5
    kept = {key: checkpoint[key] for key in ["args", "cfg", "model", "optimizer_history", "extra_state"]}
    torch.save(kept, FOLDER / "paper-tiny.pt")
    for name in ["dict.txt", "valid.tokens"]:
        shutil.copyfile(source / name, FOLDER / f"paper-tiny.{name}")
    for case in fork["eval_lm_on_valid"]:
        case.pop("token_log_probs", None)
    (FOLDER / "paper-tiny.json").write_text(json.dumps(fork) + "\n")
