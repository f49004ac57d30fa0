/**
 * Makes tokens that a text has already less likely (Keskar et al., 2019, §4.1), as transformers' `RepetitionPenaltyLogitsProcessor`
 * does: logits above 0 are divided by the penalty, others multiplied by it.
 *
 * @param logits - one a token of the vocabulary; changed in place
 * @param seen - the tokens of the text, each once
 * @param penalty - above 0; above 1 repeats less, below 1 more
 */
export function penalizeRepetition(logits: Float32Array, seen: Iterable<number>, penalty: number): void {
  for (const token of seen) {
    const logit = logits[token]!
    logits[token] = logit < 0 ? logit * penalty : logit / penalty
  }
}
