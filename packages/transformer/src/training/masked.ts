import { checkInteger, checkOptions, fail, seededRandom } from '@alibi/core'
import type { ResolvedModelConfig } from '../config.js'

/**
 * An encoder's objective: to predict hidden tokens (Devlin et al., 2019, §3.1). Each is masked; none is replaced at
 * random.
 */
export interface MaskedTokens {
  /** The mask that replaces hidden tokens: an id of the vocabulary that the text does not use. */
  readonly token: number
  /** The share of tokens that are hidden, at least one a row; 0 < share ≤ 1. Default 0.15. */
  readonly share?: number
}

/** A row's tokens as the model reads them, its targets, and `asked`: 1 for each target whose loss counts, else 0. */
export interface AskedRow {
  readonly tokens: Int32Array
  readonly targets: Int32Array
  readonly asked: Float32Array
}

/** @throws RangeError or TypeError, one line, for an objective that the model cannot have */
export function checkObjective(
  { causal, vocabularySize }: ResolvedModelConfig,
  masked: MaskedTokens | undefined,
): void {
  if (!masked) {
    if (!causal) fail('createTrainer', 'masked with causal false', 'none; next tokens are seen by those before them')
    return
  }
  if (causal) fail('createTrainer', 'causal false with masked', 'true; make the model with causal: false')
  checkOptions('createTrainer', masked, ['token', 'share'])
  const { token, share = 0.15 } = masked
  checkInteger('createTrainer', 'masked.token', token, 0)
  if (token >= vocabularySize) fail('createTrainer', `masked.token below ${vocabularySize}`, token)
  if (!(typeof share === 'number' && share > 0 && share <= 1))
    fail('createTrainer', 'masked.share above 0 and up to 1', share)
}

/** Hides random tokens of each row. The seed and the step determine which. */
export function maskedRows(
  rows: readonly Int32Array[],
  { token, share = 0.15 }: MaskedTokens,
  seed: number,
  step: number,
): AskedRow[] {
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(step + 1, 0xc2b2ae35))
  return rows.map((row) => {
    const asked = Float32Array.from(row, () => Number(random() < share))
    if (!asked.includes(1)) asked[Math.floor(random() * row.length)] = 1
    return { tokens: row.map((id, i) => (asked[i] ? token : id)), targets: row, asked }
  })
}
