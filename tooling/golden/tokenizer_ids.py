"""What Rust's tokenizers make of random texts in many scripts, with small vocabularies of each kind.

    python tooling/golden/tokenizer_ids.py

reads apps/bench/test/golden/byte-pairs/text.txt and writes apps/bench/test/golden/tokenizers.
"""

import importlib.metadata
import json
import pathlib
import random

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "apps" / "bench" / "test" / "golden"
FOLDER = GOLDEN / "tokenizers"
FOLDER.mkdir(exist_ok=True)
TEXT = GOLDEN / "byte-pairs" / "text.txt"
SIZE = 400

LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


# Of each script some characters that Unicode has had for long.
SCRIPTS = [
    (0x21, 0x7E), (0xA1, 0x24F), (0x391, 0x3A9), (0x410, 0x44F), (0x5D0, 0x5EA), (0x620, 0x64A), (0x904, 0x939), (0xE01, 0xE30),
    (0x2010, 0x2027), (0x2190, 0x21FF), (0x3041, 0x3093), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0xFF01, 0xFF5E),
    (0x1F300, 0x1F5FF), (0x20000, 0x2A6D6),
]  # fmt: skip


def trained(model, trainer, **parts):
    tokenizer = Tokenizer(model)
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    tokenizer.train([str(TEXT)], trainer)
    return json.loads(tokenizer.to_str())


def byte_level(pre_tokenizer, **options):
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False
    )
    json_ = trained(models.BPE(**options), trainer, pre_tokenizer=pre_tokenizer, decoder=decoders.ByteLevel())
    tokenizer = Tokenizer.from_str(json.dumps(json_))
    # One that is text: it is found in every text.
    tokenizer.add_tokens(["<p>"])
    return json.loads(tokenizer.to_str())


def llama_2():
    """Whole texts are words: SentencePiece's vocabularies of byte pairs."""
    spaces = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first")
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=2 * SIZE, special_tokens=["<unk>", "<s>", "</s>", *bytes_], show_progress=False)
    json_ = trained(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True), trainer, pre_tokenizer=spaces)
    normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer = Tokenizer.from_str(json.dumps(json_))
    tokenizer.normalizer = normalizer
    json_ = json.loads(tokenizer.to_str())
    # The bytes are of the model, not marks.
    return {**json_, "pre_tokenizer": None, "added_tokens": json_["added_tokens"][:3]}


def unigram():
    spaces = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    trainer = trainers.UnigramTrainer(vocab_size=SIZE, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>", show_progress=False)
    json_ = trained(models.Unigram(), trainer, pre_tokenizer=spaces)
    # Words end before each ▁, so that no piece lies across.
    json_["model"]["vocab"] += [["e▁t", -0.5], ["▁▁", -0.5]]
    return json_


def bert(**options):
    trainer = trainers.WordPieceTrainer(vocab_size=2 * SIZE, special_tokens=["[UNK]", "[CLS]", "[SEP]"], show_progress=False)
    parts = {"normalizer": normalizers.BertNormalizer(**options), "pre_tokenizer": pre_tokenizers.BertPreTokenizer()}
    json_ = trained(models.WordPiece(unk_token="[UNK]"), trainer, **parts)
    return with_characters(json_, "##")


def words():
    marks = pre_tokenizers.Punctuation("merged_with_previous")
    pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True), marks])
    trainer = trainers.WordLevelTrainer(vocab_size=SIZE, special_tokens=["[UNK]"], show_progress=False)
    normalizer = normalizers.Lowercase()
    json_ = trained(models.WordLevel(unk_token="[UNK]"), trainer, normalizer=normalizer, pre_tokenizer=pre_tokenizer)
    return with_characters(json_)


def with_characters(json_, continuing=""):
    """With some of each script, so that how words are cut shows."""
    vocab = json_["model"]["vocab"]
    for low, high in SCRIPTS:
        for point in range(low, min(high, low + 40)):
            for piece in {chr(point), continuing + chr(point)} - set(vocab):
                vocab[piece] = len(vocab)
    return json_


def without_marks(json_):
    """A Unigram that does not find its special tokens in texts, as SentencePiece's own does not; Rust's does."""
    vocab = json_["model"]["vocab"]
    special = {token["content"] for token in json_["added_tokens"]}
    others = [[chr(0xE000 + id_) if piece in special else piece, score] for id_, (piece, score) in enumerate(vocab)]
    return {**json_, "added_tokens": [], "model": {**json_["model"], "vocab": others}}


TOKENIZERS = {
    "gpt2": byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False)),
    "llama-3": byte_level(
        pre_tokenizers.Sequence(
            [pre_tokenizers.Split(Regex(LLAMA_3), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
        ),
        ignore_merges=True,
    ),
    "llama-2": llama_2(),
    "unigram": unigram(),
    "bert": bert(),
    "bert-cased": bert(lowercase=False, strip_accents=False),
    "words": words(),
}

SPACES = [" ", "  ", "\n", "\r\n", "\t", " \n", "   ", "\u00a0", "\u3000", "\u2028"]
OTHERS = ["؝", "a؝b", "ΟΔΟΣ", "İ", "é", "[SEP]", "<|endoftext|>", "<p>", "'s", "'LL", "don’t", "e\u0301", "\u200d", "<unk>", "</s>", "<0x0A>", "▁", "▁▁a", "\ufeff", "\u0085"]


def random_texts(count, seed=20_26):
    draw = random.Random(seed)
    words = TEXT.read_text().split()

    def part():
        kind = draw.random()
        if kind < 0.4:
            return draw.choice(words)
        if kind < 0.55:
            return draw.choice(SPACES)
        if kind < 0.65:
            return str(draw.randrange(10 ** draw.randrange(1, 9)))
        if kind < 0.7:
            return draw.choice("=-_*.#/") * draw.randrange(1, 90)
        if kind < 0.75:
            return draw.choice(OTHERS)
        low, high = draw.choice(SCRIPTS)
        return "".join(chr(draw.randint(low, draw.choice([low + 20, high]))) for _ in range(draw.randrange(1, 12)))

    return ["".join(part() + draw.choice(["", " "]) for _ in range(draw.randrange(1, 16))) for _ in range(count)]


# In texts the names of special tokens are text, in prompts they are these tokens.
TEXTS = [*random_texts(80), "<|endoftext|>", "</s>", "a<|endoftext|>b</s> <s>c [UNK] d"]
ids, prompts = {}, {}
for name, json_ in TOKENIZERS.items():
    (FOLDER / f"{name}.json").write_text(json.dumps(json_, ensure_ascii=False) + "\n")
    tokenizer = Tokenizer.from_str(json.dumps(json_))
    prompts[name] = [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS]
    plain = Tokenizer.from_str(json.dumps(without_marks(json_) if name == "unigram" else json_))
    plain.encode_special_tokens = True
    ids[name] = [plain.encode(text, add_special_tokens=False).ids for text in TEXTS]
versions = {"tokenizers": importlib.metadata.version("tokenizers")}
(FOLDER / "ids.json").write_text(json.dumps({"versions": versions, "texts": TEXTS, "ids": ids, "prompts": prompts}, ensure_ascii=False) + "\n")
