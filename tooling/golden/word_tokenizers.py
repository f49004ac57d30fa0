"""What Rust's tokenizers make of texts with the bench's exported tokenizer.json of words (apps/bench/test/golden/words)."""

import importlib.metadata
import json
import pathlib

from tokenizers import Tokenizer

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "apps" / "bench" / "test" / "golden" / "words"

# Control characters, Latin-1, spaces and marks of general punctuation, and what else some engine takes for a space.
CHARACTERS = [
    *range(1, 0x100),
    0x300, 0x5F3, 0x5F4, 0x1680, 0x180E,
    *range(0x2000, 0x2070),
    0x3000, 0xFE0F, 0xFEFF, 0xFFFD, 0x1F642,
]  # fmt: skip
TEXTS = [
    *(f"a{chr(c)}b{chr(c)} {chr(c)}c" for c in CHARACTERS),
    "\ufeffa b", "a\r\nb\rc\n\r\n", "हिन्दी में, e\u0301é", "Don’t 'a' l'eau", "می\u200cخواهم <unk> a<eos>b", "🙂❤\ufe0f a_b",
]  # fmt: skip

for kind in ["words", "prose"]:
    tokenizer = Tokenizer.from_file(str(FOLDER / f"{kind}.json"))
    ids = {text: tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS}
    path = FOLDER / f"{kind}-ids.json"
    path.write_text(json.dumps({"versions": {"tokenizers": importlib.metadata.version("tokenizers")}, "ids": ids}) + "\n")
    print(path.name, path.stat().st_size, "bytes")
