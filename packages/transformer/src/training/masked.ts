import { checkInteger, checkOptions, fail, seededRandom } from '@alibi/core'
import type { ResolvedModelConfig } from '../config.js'

/** The objective of an encoder (Devlin et al., 2019, §3.1), without its random replacements: every hidden token is masked. */
export interface MaskedTokens {
  /** Stands for what is hidden: an id of the vocabulary that the text does not use. */
  readonly token: number
  /** Of the tokens hidden, at least one a row; 0 < share ≤ 1. Default 0.15. */
  readonly share?: number
}

/** What the model reads of a row, what it is to name, and where: 1 for each target that counts. */
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

/** Hides tokens at random: the same ones for a seed and step. */
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
