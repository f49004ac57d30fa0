"""Which characters Rust's tokenizers take for punctuation, spaces, digits, control characters and so on: of all of Unicode.

    python tooling/golden/unicode_classes.py

writes apps/bench/test/golden/tokenizers/classes.json, and prints the tables of apps/bench/src/data/tokenizer/unicode-8.ts.
"""

import importlib.metadata
import json
import pathlib

from tokenizers import Regex, normalizers, pre_tokenizers

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "apps" / "bench" / "test" / "golden" / "tokenizers"
CODE_POINTS = [point for point in range(0x110000) if not 0xD800 <= point < 0xE000]
BERT = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
PRE_TOKENIZERS = {
    "BertPreTokenizer": pre_tokenizers.BertPreTokenizer(),
    "Punctuation": pre_tokenizers.Punctuation(),
    "Whitespace": pre_tokenizers.Whitespace(),
    "WhitespaceSplit": pre_tokenizers.WhitespaceSplit(),
    "Digits": pre_tokenizers.Digits(individual_digits=True),
}
NORMALIZERS = {
    "clean_text": normalizers.BertNormalizer(**{**BERT, "clean_text": True}),
    "handle_chinese_chars": normalizers.BertNormalizer(**{**BERT, "handle_chinese_chars": True}),
    "strip_accents": normalizers.BertNormalizer(**{**BERT, "strip_accents": True}),
    # What is no character yet in the Unicode of the regular expressions goes.
    "known": normalizers.Replace(Regex(r"\p{Cn}"), ""),
}


def words(pre_tokenizer, text):
    """The words that a text becomes, e.g. `0-1|1-3`: characters of it."""
    return "|".join(f"{start}-{end}" for _, (start, end) in pre_tokenizer.pre_tokenize_str(text))


def runs(values):
    """Pairs of a code point and what it and those after it have."""
    found = []
    for point, value in zip(CODE_POINTS, values):
        if not found or found[-1][1] != value:
            found.append([point, value])
    return found


def kind(character, normalized):
    if normalized == f"a{character}b":
        return "stays"
    return {"ab": "goes", "a b": "a space", f"a {character} b": "apart"}.get(normalized, "changes")


def table(runs_, value):
    """Gaps and lengths of the ranges in hexadecimal: see unicode-8.ts."""
    ends = [*[point for point, _ in runs_[1:]], 0x110000]
    last, words_ = 0, []
    for (start, got), end in zip(runs_, ends):
        if got == value:
            words_.append(f"{start - last:x}" + (f"-{end - 1 - start:x}" if end - 1 > start else ""))
            last = end - 1
    return " ".join(words_)


classes = {}
for name, pre_tokenizer in PRE_TOKENIZERS.items():
    classes[name] = runs(words(pre_tokenizer, f"a{chr(point)}b") for point in CODE_POINTS)
for name, normalizer in NORMALIZERS.items():
    classes[name] = runs(kind(chr(point), normalizer.normalize_str(f"a{chr(point)}b")) for point in CODE_POINTS)
versions = {"tokenizers": importlib.metadata.version("tokenizers")}
(FOLDER / "classes.json").write_text(json.dumps({"versions": versions, "classes": classes}) + "\n")
for name, value in [("Punctuation", "0-1|1-2|2-3"), ("clean_text", "goes"), ("strip_accents", "goes")]:
    print(name, table(classes[name], value), sep="\n")
