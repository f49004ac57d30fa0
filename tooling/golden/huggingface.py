"""Logits of small random models of transformers, from files with weights that a rule gives: tests make the same files."""

import json
import pathlib
import tempfile

import torch
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MptConfig,
    MptModel,
)
from transformers.models.mpt.modeling_mpt import build_mpt_alibi_tensor

from rule import values
from small_models import load, logits, make_folder, shapes
from write import PACKAGES, numbers, write

VOCABULARY, LENGTH = 48, 12
TOKENS = [(7 * i * i + 3 * i + 1) % VOCABULARY for i in range(LENGTH)]


# transformers 5.18 builds MPT's biases without the alibi_bias_max of the config; those it was trained with have it.
MptModel.build_mpt_alibi_tensor = lambda self, heads, length, device=None: build_mpt_alibi_tensor(
    heads, length, self.config.attn_config.alibi_bias_max, device
)


def case(config):
    with tempfile.TemporaryDirectory() as folder:
        saved, arrays = make_folder(config, folder)
        return {"config": saved, "arrays": arrays, "logits": numbers(logits(load(folder), TOKENS))}


def llama(rope=None, **more):
    sizes = {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 44, "num_hidden_layers": 2}
    rope = {"rope_theta": 10_000.0, "rope_type": "default", **(rope or {})}
    return LlamaConfig(vocab_size=VOCABULARY, max_position_embeddings=64, rope_parameters=rope, **sizes, **more)


def neox(**more):
    sizes = {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 56, "num_hidden_layers": 2}
    return GPTNeoXConfig(vocab_size=VOCABULARY, max_position_embeddings=64, **sizes, **more)


def mpt(**more):
    return MptConfig(vocab_size=VOCABULARY, n_layers=2, max_seq_len=64, **more)


def bloom(**more):
    return BloomConfig(vocab_size=VOCABULARY, n_layer=2, **more)


write(
    "huggingface",
    "huggingface",
    ["transformers"],
    {
        "tokens": TOKENS,
        "bloom": case(bloom(hidden_size=32, n_head=4)),
        "bloom, 3 heads": case(bloom(hidden_size=24, n_head=3, layer_norm_epsilon=1e-3)),
        "mpt": case(mpt(d_model=32, n_heads=4)),
        "mpt, 6 heads, clipped": case(
            mpt(d_model=24, n_heads=6, attn_config={"alibi": True, "alibi_bias_max": 16, "clip_qkv": 0.5})
        ),
        "gpt_neox": case(neox()),
        "gpt_neox, sequential": case(
            neox(use_parallel_residual=False, attention_bias=False, hidden_act="gelu_new", rotary_pct=0.5, tie_word_embeddings=True)
        ),
        "llama": case(llama(num_key_value_heads=2)),
        "llama, linear": case(llama({"rope_type": "linear", "factor": 4.0}, rms_norm_eps=1e-3)),
        "llama, yarn": case(
            llama({"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 8}, num_key_value_heads=1)
        ),
        "llama, llama3": case(
            llama(
                {
                    "rope_type": "llama3",
                    "factor": 8.0,
                    "low_freq_factor": 1.0,
                    "high_freq_factor": 4.0,
                    "original_max_position_embeddings": 32,
                },
                attention_bias=True,
                tie_word_embeddings=True,
            )
        ),
        "gpt2": case(GPT2Config(vocab_size=VOCABULARY, n_embd=32, n_head=4, n_layer=2, n_positions=64)),
    },
)


def variant(config, edit=None, add=(), drop=(), same=()):
    """A folder that somebody changed after it was saved: fields of config.json, arrays that are there or not."""
    with tempfile.TemporaryDirectory() as folder:
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
        path, at = pathlib.Path(folder) / "model.safetensors", pathlib.Path(folder) / "config.json"
        arrays = {name: shape for name, shape in {**shapes(path), **dict(add)}.items() if name not in drop}
        # `same`: pairs of names with one array's values.
        equal = dict(same)
        save_file({n: values(equal.get(n, n), shape) for n, shape in arrays.items()}, path, metadata={"format": "pt"})
        saved = {**json.loads(at.read_text()), **(edit or {})}
        at.write_text(json.dumps(saved))
        result = {"config": saved, "arrays": arrays, "logits": numbers(plain_logits(load(folder)))}
        return {**result, "same": equal} if equal else result


@torch.no_grad()
def plain_logits(model):
    return model(torch.tensor([[token % 11 for token in TOKENS]])).logits[0]


def small_llama(**more):
    sizes = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 12, "num_hidden_layers": 1}
    return LlamaConfig(vocab_size=11, max_position_embeddings=64, **sizes, **more)


def small_neox(**more):
    sizes = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 12, "num_hidden_layers": 1}
    return GPTNeoXConfig(vocab_size=11, max_position_embeddings=64, **{**sizes, **more})


def yarn(**more):
    rope = {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 8, "rope_theta": 10000.0, **more}
    return variant(small_llama(), {"rope_parameters": rope})


TIED = {
    "bloom": (BloomConfig(vocab_size=11, n_layer=1, hidden_size=16, n_head=2), "lm_head.weight"),
    "mpt": (MptConfig(vocab_size=11, n_layers=1, d_model=16, n_heads=2, max_seq_len=64), "lm_head.weight"),
    "gpt_neox": (small_neox(tie_word_embeddings=True), "embed_out.weight"),
    "gpt_neox by its new name": (small_neox(tie_word_embeddings=True), "lm_head.weight"),
    "llama": (small_llama(tie_word_embeddings=True), "lm_head.weight"),
    "gpt2": (GPT2Config(vocab_size=11, n_embd=16, n_head=2, n_layer=1, n_positions=64), "lm_head.weight"),
}
EMBEDDING = {"llama": "model.embed_tokens.weight", "gpt2": "transformer.wte.weight"}
PLAIN = {"rope_type": "default", "rope_theta": 500.0}

write(
    "huggingface",
    "variants",
    ["transformers"],
    {
        "tokens": [token % 11 for token in TOKENS],
        **{
            f"{name}, tied, with a head of its own": variant(config, add=[(head, [11, config.hidden_size])])
            for name, (config, head) in TIED.items()
        },
        **{
            f"{name}, tied, with an equal head": variant(
                TIED[name][0], add=[("lm_head.weight", [11, TIED[name][0].hidden_size])], same=[("lm_head.weight", EMBEDDING[name])]
            )
            for name in EMBEDDING
        },
        **{
            f"{name}, tied, saved as the head": variant(
                TIED[name][0], add=[("lm_head.weight", [11, TIED[name][0].hidden_size])], drop=[EMBEDDING[name]]
            )
            for name in EMBEDDING
        },
        "llama, both, linear": variant(
            small_llama(), {"rope_parameters": PLAIN, "rope_scaling": {"rope_type": "linear", "factor": 4.0}}
        ),
        "llama, both, yarn by its old name": variant(
            small_llama(),
            {
                "rope_parameters": PLAIN,
                "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16},
                "rope_theta": 900.0,
            },
        ),
        "llama, both, rope_type beside type": variant(
            small_llama(), {"rope_scaling": {"type": "yarn", "rope_type": "linear", "factor": 4.0, "rope_theta": 700.0}}
        ),
        "llama, an empty rope_scaling": variant(small_llama(), {"rope_parameters": PLAIN, "rope_scaling": {}}),
        "gpt_neox, both, linear": variant(
            small_neox(),
            {
                "rope_parameters": {**PLAIN, "partial_rotary_factor": 1.0},
                "rope_scaling": {"type": "linear", "factor": 4.0},
                "rotary_pct": 0.5,
                "rotary_emb_base": 900,
            },
        ),
        "gpt_neox, an odd number of features": variant(
            small_neox(hidden_size=40), {"rope_parameters": {**PLAIN, "partial_rotary_factor": 0.25}}
        ),
        "gpt_neox, an odd number of features, linear": variant(
            small_neox(hidden_size=40), {"rope_parameters": {**PLAIN, "rope_type": "linear", "factor": 2.0, "partial_rotary_factor": 0.25}}
        ),
        "yarn, attention_factor": yarn(attention_factor=1.0),
        "yarn, attention_factor beside mscale": yarn(attention_factor=1.5, mscale=0.7, mscale_all_dim=1.0),
        "yarn, mscale and mscale_all_dim": yarn(mscale=0.707, mscale_all_dim=1.2),
        "yarn, mscale alone": yarn(mscale=0.707),
        "yarn, mscale_all_dim of 0": yarn(mscale=0.707, mscale_all_dim=0),
        "yarn, not truncated": yarn(truncate=False),
        "yarn, truncate null": yarn(truncate=None, beta_fast=None),
        "yarn, factor null": yarn(factor=None, original_max_position_embeddings=16),
    },
)


def folder_of(config, name, dtype, tokenizer=None, **save):
    """A folder as transformers writes it, in few bits and several files, with what it computes from it in float32."""
    torch.manual_seed(7)
    folder = PACKAGES / name
    folder.mkdir(parents=True, exist_ok=True)
    model = AutoModelForCausalLM.from_config(config)
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    model.to(dtype).save_pretrained(folder, **save)
    if tokenizer:
        tokenizer.save(str(folder / "tokenizer.json"))
    if tokenizer:
        text = "Tokens of the text,\n  “öffentlich” 🙂 <s> 12345! " + "The tokenizer reads the text after them. " * 6
        # In a text the name of a special token is text.
        tokenizer.encode_special_tokens = True
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        tokenizer.encode_special_tokens = False
        losses = {length: chunked_loss(load(folder), ids, length) for length in (16, 64)}
        expected = {"text": text, "ids": ids, "start": tokenizer.encode("").ids, "lossNats": losses}
        prompt = ids[:6]
        expected["greedy"] = tokenizer.decode(greedy(load(folder), prompt, 8), skip_special_tokens=False)
        expected["prompt"] = tokenizer.decode(prompt, skip_special_tokens=False)
    else:
        tokens = [(7 * i * i + 3 * i + 1) % config.vocab_size for i in range(8)]
        expected = {"tokens": tokens, "logits": numbers(logits(load(folder), tokens))}
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")
    (folder / "generation_config.json").unlink(missing_ok=True)
    for path in sorted(folder.iterdir()):
        print(path.relative_to(PACKAGES), path.stat().st_size, "bytes")


@torch.no_grad()
def chunked_loss(model, ids, length):
    """Mean nats a token over non-overlapping chunks that each predict the token after every one of theirs."""
    total = 0.0
    for start in range(0, len(ids) - 1, length):
        chunk = torch.tensor(ids[start : start + length + 1])
        total += torch.nn.functional.cross_entropy(model(chunk[None, :-1]).logits[0], chunk[1:], reduction="sum").item()
    return total / (len(ids) - 1)


@torch.no_grad()
def greedy(model, prompt, count):
    ids = list(prompt)
    for _ in range(count):
        ids.append(int(model(torch.tensor([[0, *ids]])).logits[0, -1].argmax()))
    return ids[len(prompt) :]


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=280, special_tokens=["<s>"], initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())
    )
    tokenizer.train_from_iterator(["the tokens of the text that the tokenizer reads, and the text after them. "], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return tokenizer


folder_of(
    LlamaConfig(
        vocab_size=16,
        hidden_size=8,
        intermediate_size=12,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
    ),
    "huggingface/test/golden/llama-sharded",
    torch.bfloat16,
    max_shard_size=600,
)
folder_of(
    BloomConfig(vocab_size=280, hidden_size=8, n_layer=1, n_head=2, seq_length=32),
    "../apps/bench/test/golden/bloom",
    torch.float16,
    byte_level(),
)
