"""A vocabulary of byte pairs, as tokenizers' own trainer makes it of the size that it is asked for.

    python tooling/golden/byte_pairs.py

reads apps/bench/test/golden/byte-pairs/text.txt and writes tokenizer.json beside it.
"""

from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

folder = Path(__file__).parents[2] / "apps/bench/test/golden/byte-pairs"
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(
    vocab_size=400,
    special_tokens=["<|endoftext|>"],
    initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    show_progress=False,
)
tokenizer.train([str(folder / "text.txt")], trainer)
tokenizer.save(str(folder / "tokenizer.json"))
