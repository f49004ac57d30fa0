import type { EvalLine } from './lines.js'

/** How a model read held-out text: what tells evaluations of one cell from each other. */
export type Reading = Pick<EvalLine, 'evalLength' | 'protocol' | 'stride' | 'attentionWindow'>

/**
 * A reading with its defaults.
 *
 * @param evalLength - tokens of a window
 * @param protocol - `nonoverlapping`, `sliding` or `streaming`
 * @param stride - tokens between windows; default half of the length, and the length where they do not overlap
 * @param attentionWindow - keys, the last ones, that each query is limited to; default all
 */
export function makeReading<P extends string>(
  evalLength: number,
  protocol: P,
  stride: number = Math.max(1, evalLength >> 1),
  attentionWindow?: number,
): Reading & { readonly protocol: P } {
  const apart = protocol === 'nonoverlapping' ? evalLength : stride
  return { evalLength, protocol, stride: apart, ...(attentionWindow !== undefined && { attentionWindow }) }
}

/** Whether two evaluations of a cell would be of the same windows. */
export const sameReading = (a: Reading, b: Reading): boolean =>
  a.evalLength === b.evalLength &&
  a.protocol === b.protocol &&
  a.stride === b.stride &&
  a.attentionWindow === b.attentionWindow

/** e.g. `512`, `512, sliding by 64`, `512, 128 keys` */
export const describeReading = ({ evalLength, protocol, stride, attentionWindow }: Reading): string =>
  [
    `${evalLength}`,
    ...(protocol === 'nonoverlapping' ? [] : [`${protocol} by ${stride}`]),
    ...(attentionWindow === undefined ? [] : [`${attentionWindow} keys`]),
  ].join(', ')
