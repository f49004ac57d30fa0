"""Repetition penalties of transformers, on logits; and greedy texts of a small Llama, alone and in a left-padded batch."""

import json

import torch
from transformers import AutoModelForCausalLM, RepetitionPenaltyLogitsProcessor

from write import PACKAGES, numbers, write

torch.manual_seed(0)


def penalized(penalty, seen, vocabulary=12):
    logits = torch.randn(1, vocabulary) * 3
    made = RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor([seen]), logits.clone())
    return {"penalty": penalty, "seen": seen, "logits": numbers(logits[0]), "expected": numbers(made[0])}


write(
    "transformer",
    "generation",
    ["transformers"],
    {"cases": [penalized(1.3, [1, 4, 4, 7, 11]), penalized(2.0, [0]), penalized(0.8, [3, 3, 9, 2, 5]), penalized(1.0, [6])]},
)

FOLDER = PACKAGES / "huggingface" / "test" / "golden" / "llama-sharded"
model = AutoModelForCausalLM.from_pretrained(FOLDER, attn_implementation="eager", dtype=torch.float32).eval()
vocabulary = model.config.vocab_size
PROMPTS = [[(5 * i * i + 3 * i + 1) % vocabulary for i in range(length)] for length in (7, 2, 4)]
LENGTH = 14


def greedy(prompts, penalty, end):
    """Tokens after the prompts and, of each, its log-probability after the penalty. Texts end with the end token."""
    length = max(map(len, prompts))
    ids = torch.tensor([[0] * (length - len(each)) + each for each in prompts])
    mask = torch.tensor([[0] * (length - len(each)) + [1] * len(each) for each in prompts])
    made = model.generate(
        ids, attention_mask=mask, do_sample=False, max_new_tokens=LENGTH, repetition_penalty=penalty, eos_token_id=end,
        pad_token_id=0, output_scores=True, return_dict_in_generate=True,
    )
    texts = []
    for row in range(len(prompts)):
        new = made.sequences[row, length:].tolist()
        if end in new:
            new = new[: new.index(end) + 1]
        chances = [made.scores[i][row].log_softmax(-1)[token].item() for i, token in enumerate(new)]
        texts.append({"tokens": new, "logProbabilities": [float(f"{x:.7g}") for x in chances]})
    return texts


def case(penalty, end):
    # The padding's token would be penalized with the text's, so a batch has no penalty here.
    texts = [greedy([prompt], penalty, end)[0] for prompt in PROMPTS]
    if penalty == 1.0:
        assert [each["tokens"] for each in greedy(PROMPTS, penalty, end)] == [each["tokens"] for each in texts]
    return {"penalty": penalty, "end": end, "texts": texts}


cases = [case(1.0, None), case(1.3, None), case(0.9, None)]
# An end that comes before the others' in one text and later or never in others.
end = cases[1]["texts"][0]["tokens"][4]
cases.append(case(1.3, end))
write("huggingface", "generation", ["transformers"], {"prompts": PROMPTS, "length": LENGTH, "cases": cases})
