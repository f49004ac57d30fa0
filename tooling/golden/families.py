"""Small random models of the families that came after Llama: at least fifteen of each, with every option that is read.

    python tooling/golden/families.py                  writes the few that the tests have
    python tooling/golden/families.py write folder     writes all (or the families named after it), with what transformers computes
    node tooling/golden/compare-families.mjs folder    compares them with ours, and saves each again
    python tooling/golden/families.py check folder     loads what was saved, and compares
"""

import json
import pathlib
import random
import sys
import tempfile

import torch
import transformers.models.falcon.modeling_falcon as falcon_modeling
from transformers import (
    AutoModelForCausalLM,
    FalconConfig,
    Gemma3TextConfig,
    MistralConfig,
    Olmo2Config,
    Olmo3Config,
    OPTConfig,
    Phi3Config,
    Qwen2Config,
    Qwen3Config,
    SmolLM3Config,
)
from transformers.models.bloom.modeling_bloom import build_alibi_tensor

from small_models import load, logits, make_folder
from write import write

VOCABULARY, LENGTH, EACH = 20, 14, 16
TOKENS = [(7 * i * i + 3 * i + 1) % VOCABULARY for i in range(LENGTH)]
# Ids of the classes' own vocabularies, which these models do not have.
NO_IDS = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}

# transformers 5.18 rounds Falcon's biases to bfloat16, 8 bits: from position 257 on not even a slope of 1/2 is exact.
falcon_modeling.build_alibi_tensor = lambda mask, heads, dtype: build_alibi_tensor(mask, heads, dtype)


def sizes(r, layers=(1, 2, 3), **more):
    heads = r.choice([1, 2, 3, 4, 6])
    return {
        "vocab_size": VOCABULARY,
        "hidden_size": heads * r.choice([4, 6, 8]),
        "num_attention_heads": heads,
        "num_hidden_layers": r.choice(layers),
        # Fewer than the tokens of a pass: all of them read further than this.
        "max_position_embeddings": r.choice([6, 8, 10]),
        **NO_IDS,
        **more,
    }


def decoder(r, **more):
    """Sizes of the families whose names are Llama's; heads of a width of their own in half of them."""
    own = sizes(r, **more)
    heads = own["num_attention_heads"]
    return {
        **own,
        "num_key_value_heads": r.choice([k for k in range(1, heads + 1) if heads % k == 0]),
        "head_dim": r.choice([own["hidden_size"] // heads, r.choice([4, 8, 12])]),
        "intermediate_size": r.choice([10, 16, 24]),
        "hidden_act": r.choice(["silu", "silu", "gelu", "gelu_pytorch_tanh", "relu"]),
        "rms_norm_eps": r.choice([1e-6, 1e-5, 1e-3]),
        "tie_word_embeddings": r.random() < 0.5,
    }


def scaling(r, kinds=("default", "default", "linear", "yarn", "llama3")):
    kind = r.choice(kinds)
    rope = {"rope_type": kind, "rope_theta": r.choice([100.0, 10_000.0, 500_000.0])}
    if kind != "default":
        rope["factor"] = r.choice([2.0, 4.0, 8.0])
    if kind in ("yarn", "llama3"):
        rope["original_max_position_embeddings"] = r.choice([4, 8])
    if kind == "llama3":
        rope |= {"low_freq_factor": 1.0, "high_freq_factor": 4.0}
    if kind == "yarn" and r.random() < 0.5:
        rope |= r.choice([{"attention_factor": 1.3}, {"mscale": 0.7, "mscale_all_dim": 1.2}, {"beta_fast": 8.0, "beta_slow": 2.0}])
    return rope


def windows(r, layers):
    return [r.choice(["full_attention", "sliding_attention"]) for _ in range(layers)]


def mistral(r):
    window = r.choice([None, 2, 3, 5, 9, 64])
    return MistralConfig(**decoder(r), rope_parameters=scaling(r), sliding_window=window)


def qwen(r, config):
    layers = config["num_hidden_layers"]
    config["use_sliding_window"] = r.random() < 0.6
    config["sliding_window"] = r.choice([2, 4, 7])
    config["max_window_layers"] = r.choice([0, 1, 2])
    if config["use_sliding_window"] and r.random() < 0.5:
        config["layer_types"] = windows(r, layers)
    return config


def qwen2(r):
    return Qwen2Config(**qwen(r, decoder(r)), rope_parameters=scaling(r))


def qwen3(r):
    return Qwen3Config(**qwen(r, decoder(r)), rope_parameters=scaling(r), attention_bias=r.random() < 0.4)


def smollm3(r):
    config = decoder(r, layers=(2, 4, 5))
    layers = config["num_hidden_layers"]
    if r.random() < 0.5:
        config["no_rope_layers"] = [r.choice([0, 1]) for _ in range(layers)]
    else:
        config["no_rope_layer_interval"] = r.choice([2, 3, 4])
    if r.random() < 0.5:
        config |= {"use_sliding_window": True, "sliding_window": r.choice([2, 5])}
        if r.random() < 0.5:
            config["layer_types"] = windows(r, layers)
    biases = {"attention_bias": r.random() < 0.4, "mlp_bias": r.random() < 0.4}
    return SmolLM3Config(**config, rope_parameters=scaling(r), **biases)


def by_type(r, kinds):
    return {"full_attention": scaling(r, kinds), "sliding_attention": scaling(r, ("default", *kinds))}


def gemma3(r):
    config = decoder(r, layers=(2, 3, 7))
    config["hidden_activation"] = config.pop("hidden_act")
    config["sliding_window"] = r.choice([2, 4, 8])
    if r.random() < 0.5:
        config["layer_types"] = windows(r, config["num_hidden_layers"])
    else:
        config["sliding_window_pattern"] = r.choice([2, 3, 6])
    return Gemma3TextConfig(
        **config,
        rope_parameters=by_type(r, ("default", "linear", "yarn")),
        attention_bias=r.random() < 0.3,
        query_pre_attn_scalar=r.choice([config["head_dim"], 12, 21]),
        final_logit_softcapping=r.choice([None, 2.0, 30.0]),
    )


def phi3(r):
    config = decoder(r)
    del config["head_dim"]
    share = r.choice([1.0, 1.0, 0.5])
    width = config["hidden_size"] // config["num_attention_heads"]
    pairs = int(width * share) // 2
    if int(width * share) % 2:
        share, pairs = 1.0, width // 2
    rope = {"rope_theta": r.choice([100.0, 10_000.0]), "partial_rotary_factor": share, "rope_type": "default"}
    config["original_max_position_embeddings"] = config["max_position_embeddings"]
    if r.random() < 0.7:
        rope["rope_type"] = "longrope"
        rope["short_factor"] = [round(r.uniform(1, 2), 2) for _ in range(pairs)]
        rope["long_factor"] = [round(r.uniform(1, 9), 2) for _ in range(pairs)]
        # The pass of all tokens is beyond it, at it or within it.
        config["original_max_position_embeddings"] = r.choice([8, 10, LENGTH, 20])
        config["max_position_embeddings"] = r.choice([8, 40, 160])
        if r.random() < 0.3:
            rope["attention_factor"] = 1.2
    return Phi3Config(
        **config,
        partial_rotary_factor=share,
        rope_parameters=rope,
        sliding_window=r.choice([None, None, 3, 6]),
    )


def opt(r):
    own = sizes(r)
    before = r.random() < 0.6
    return OPTConfig(
        # A learned table ends.
        **{**own, "max_position_embeddings": r.choice([LENGTH + 5, 32])},
        ffn_dim=r.choice([10, 16, 24]),
        do_layer_norm_before=before,
        _remove_final_layer_norm=before and r.random() < 0.5,
        enable_bias=r.random() < 0.7,
        layer_norm_elementwise_affine=r.random() < 0.7,
        activation_function=r.choice(["relu", "relu", "gelu", "gelu_new"]),
        tie_word_embeddings=r.random() < 0.7,
    )


def falcon(r):
    config = sizes(r)
    heads = config["num_attention_heads"]
    new = r.random() < 0.4
    config |= {"new_decoder_architecture": new, "parallel_attn": new or r.random() < 0.5, "bias": r.random() < 0.5}
    if new:
        config["num_kv_heads"] = r.choice([k for k in range(1, heads + 1) if heads % k == 0])
        config["num_ln_in_parallel_attn"] = r.choice([None, 1, 2])
    else:
        config["multi_query"] = r.random() < 0.5
    config["alibi"] = r.random() < 0.5
    return FalconConfig(
        **config,
        rope_parameters=scaling(r, ("default", "linear", "yarn")),
        ffn_hidden_size=r.choice([None, 10, 24]),
        activation=r.choice(["gelu", "gelu", "relu"]),
        layer_norm_epsilon=r.choice([1e-5, 1e-3]),
        tie_word_embeddings=r.random() < 0.7,
    )


def olmo2(r):
    return Olmo2Config(**decoder(r), rope_parameters=scaling(r), attention_bias=r.random() < 0.3)


def olmo3(r):
    config = decoder(r, layers=(1, 4, 5))
    config["sliding_window"] = r.choice([2, 4, 8])
    if r.random() < 0.5:
        config["layer_types"] = windows(r, config["num_hidden_layers"])
    rope = by_type(r, ("default", "linear", "yarn"))
    return Olmo3Config(**config, rope_parameters=rope, attention_bias=r.random() < 0.3)


FAMILIES = {f.__name__: f for f in (mistral, qwen2, qwen3, smollm3, gemma3, phi3, opt, falcon, olmo2, olmo3)}


# Those that the tests have: small ones that have every option between them.
KEPT = {
    "mistral": [2, 6, 10],
    "qwen2": [1, 3, 13],
    "qwen3": [7, 9, 15],
    "smollm3": [2, 9, 15],
    "gemma3": [3, 4, 6],
    "phi3": [12, 13, 15],
    "opt": [3, 5, 13, 14],
    "falcon": [1, 3, 7, 10],
    "olmo2": [4, 9],
    "olmo3": [1, 9, 15],
}


def as_before(r, config):
    """config.json in the form that transformers had before version 5, in some of the models."""
    rope = config.get("rope_parameters")
    if not rope or r.random() < 0.6:
        return config
    old = {key: value for key, value in config.items() if key != "rope_parameters"}
    if "full_attention" in rope or "sliding_attention" in rope:
        if config["model_type"] != "gemma3_text" or rope["sliding_attention"]["rope_type"] != "default":
            return config
        old["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        rope = rope["full_attention"]
    rope = dict(rope)
    old["rope_theta"] = rope.pop("rope_theta")
    share = rope.pop("partial_rotary_factor", None)
    if share is not None:
        old["partial_rotary_factor"] = share
    kind = rope.pop("rope_type")
    name = "rope_type" if config["model_type"] == "gemma3_text" else "type"
    old["rope_scaling"] = None if kind == "default" else {name: kind, **rope}
    return old


def make(family, number, folder):
    """One model in a folder, with its logits: of a pass, from a cache and left-padded."""
    r = random.Random(f"{family} {number}")
    config, arrays = make_folder(FAMILIES[family](r), folder)
    config = as_before(r, config)
    (folder / "config.json").write_text(json.dumps(config))
    # A cache keeps what lower layers computed with the factors of its length: it must not cross this one.
    original = config.get("original_max_position_embeddings") if "longrope" in json.dumps(config) else None
    prefill = original + 1 if original and 5 <= original < LENGTH else 5
    full = logits(load(folder), TOKENS, prefill)
    return {"config": config, "arrays": arrays, "prefill": prefill, "logits": short(full)}


@torch.no_grad()
def logits_of(model, tokens):
    return model(torch.tensor([tokens])).logits[0]


def short(x):
    """To a hundredth of the tests' tolerance."""
    return [[round(value, 6) for value in row] for row in x.tolist()]


def check(root):
    """What was saved from ours, in transformers: without a name missing or left over, and with the same logits."""
    for family in FAMILIES:
        largest = 0.0
        for folder in sorted(root.glob(f"{family}-*")):
            expected = torch.tensor(json.loads((folder / "expected.json").read_text())["logits"])
            model, loading = AutoModelForCausalLM.from_pretrained(
                folder / "saved", attn_implementation="sdpa", dtype=torch.float32, output_loading_info=True
            )
            assert not any(loading.values()), (folder, loading)
            largest = max(largest, (logits_of(model.eval(), TOKENS) - expected).abs().max().item())
        print(f"{family}: saved and loaded by transformers, largest difference {largest:.1e}")
        assert largest <= 1e-4


command, *rest = sys.argv[1:] or ["golden"]
if command == "write":
    root = pathlib.Path(rest[0])
    for family in rest[1:] or FAMILIES:
        for number in range(EACH):
            folder = root / f"{family}-{number:02}"
            folder.mkdir(parents=True)
            made = make(family, number, folder)
            expected = {"tokens": TOKENS, "prefill": made["prefill"], "logits": made["logits"]}
            (folder / "expected.json").write_text(json.dumps(expected))
elif command == "check":
    check(pathlib.Path(rest[0]))
else:
    for family in FAMILIES:
        with tempfile.TemporaryDirectory() as folder:
            made = {f"{family} {n}": make(family, n, pathlib.Path(folder)) for n in KEPT[family]}
        write("huggingface", f"families/{family}", ["transformers"], {"tokens": TOKENS, "cases": made})
