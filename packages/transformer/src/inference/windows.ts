import { checkInteger, checkOneOf, fail } from '@alibi/core'
import type { EvaluateOptions } from './evaluate-options.js'

/** A sequence to read, tokens [start, end), and where the scored tokens begin in it; each predicts the one after it. */
export interface Window {
  readonly start: number
  readonly end: number
  readonly scoreFrom: number
}

/**
 * The windows that score targets 0 … numTargets − 1, each once.
 *
 * @throws RangeError or TypeError, one line, for options that leave tokens out
 */
export function evaluationWindows(
  numTargets: number,
  { evalLength, protocol = 'nonoverlapping', stride, windows: layout = 'full', maxTokens = Infinity }: EvaluateOptions,
): Window[] {
  checkOneOf('evaluate', 'protocol', protocol, ['nonoverlapping', 'sliding', 'streaming'])
  checkOneOf('evaluate', 'windows', layout, ['full', 'fairseq'])
  if (layout === 'fairseq' && protocol === 'streaming')
    fail('evaluate', 'windows full when streaming', 'fairseq; take sliding')
  if (maxTokens !== Infinity) checkInteger('evaluate', 'maxTokens', maxTokens, 1)
  const advance = protocol === 'nonoverlapping' ? evalLength : (stride ?? Math.max(1, evalLength >> 1))
  checkInteger('evaluate', 'stride', advance, 1)
  if (advance > evalLength)
    fail('evaluate', 'stride ≤ evalLength', `${advance} > ${evalLength}; no token may be skipped`)
  const total = Math.min(numTargets, maxTokens)
  // Tokens read again, and what the windows that begin at the start of the text score together.
  const context = evalLength - advance
  const first = layout === 'fairseq' ? (Math.floor(context / advance) + 1) * advance : evalLength
  const windows: Window[] = [{ start: 0, end: Math.min(first, total), scoreFrom: 0 }]
  for (let scored = first; scored < total; scored += advance) {
    const end = Math.min(scored + advance, total)
    const start = layout === 'fairseq' || protocol === 'nonoverlapping' ? scored - context : end - evalLength
    windows.push({ start, end, scoreFrom: scored - start })
  }
  return windows
}

/** Whether two windows may be read in one batch. */
export const sameShape = (a: Window, b: Window) => a.end - a.start === b.end - b.start && a.scoreFrom === b.scoreFrom
