"""What Rust's tokenizers make of texts with a Unigram that writes what it has no piece for in bytes.

    python tooling/golden/unigram_bytes.py

writes apps/bench/test/golden/unigram.
"""

import importlib.metadata
import json
import pathlib

from tokenizers import Tokenizer

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "apps" / "bench" / "test" / "golden" / "unigram"
FOLDER.mkdir(parents=True, exist_ok=True)

PIECES = ["▁", "▁the", "▁river", "▁is", "▁wide", "the", "er", *"abcdehilnorstvwé.,"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
VOCABULARY = [["<unk>", 0], ["<s>", 0], ["</s>", 0], *([piece, -1 - i / 8] for i, piece in enumerate(PIECES)), *([byte, -20] for byte in BYTES)]
SPACES = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
MARKS = [
    {"id": i, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    for i, content in enumerate(["<unk>", "<s>", "</s>"])
]
DECODERS = [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]
TOKENIZER = {
    "version": "1.0", "truncation": None, "padding": None, "added_tokens": MARKS, "normalizer": None, "pre_tokenizer": SPACES,
    "post_processor": None, "decoder": {"type": "Sequence", "decoders": DECODERS},
    "model": {"type": "Unigram", "unk_id": 0, "vocab": VOCABULARY, "byte_fallback": True},
}  # fmt: skip
TEXTS = ["the river is wide.", "the über-river 漢字", "🙂🙂 é e\u0301", "a\nb\r\n\tc  d", "漢 a字b", "", "RIVER", "x<s>y"]

text = json.dumps(TOKENIZER, ensure_ascii=False)
(FOLDER / "tokenizer.json").write_text(text + "\n")
tokenizer = Tokenizer.from_str(text)
# As prompts are read: names of special tokens are these tokens.
ids = {text: tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS}
versions = {"tokenizers": importlib.metadata.version("tokenizers")}
(FOLDER / "ids.json").write_text(json.dumps({"versions": versions, "ids": ids}) + "\n")
