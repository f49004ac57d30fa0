import { alibiSlopes } from '@alibi/alibi'
import { type PositionStrategy, reference } from '@alibi/core'
import { hasOnly } from './has-only.js'

/**
 * Whether a strategy is ALiBi with the paper's slopes, times a factor: the only ones that transformers computes (it leaves
 * MPT's `alibi_bias_max` unread).
 *
 * @throws Error, one line, if it is another
 */
export function checkPaperSlopes(strategy: PositionStrategy, family: string, factor = 1): void {
  const { name, bias, parameters } = strategy
  const refuse = (got: string): never => {
    const times = factor === 1 ? '' : ` times ${factor}`
    throw new Error(`saveHuggingFace: expected ALiBi with the paper's slopes${times} for ${family}, got ${got}`)
  }
  if (parameters) refuse('trained slopes')
  const slopes = hasOnly(strategy, 'bias') && bias?.kind === 'linear' ? bias.slopes(reference, {}).data : refuse(name)
  if (alibiSlopes(slopes.length).some((slope, head) => Math.abs(factor * slope - slopes[head]!) > 1e-6 * slope))
    refuse(`[${slopes}]`)
}
