import { isDeepStrictEqual } from 'node:util'
import type { RunLine } from '../results/schema.js'

/** Something that the two runs were not made with alike; undefined where one of them does not have it. */
export interface SettingDifference {
  readonly name: string
  readonly a: unknown
  readonly b: unknown
}

/** Every setting, version or machine that differs. */
export function differentSettings(a: RunLine, b: RunLine): SettingDifference[] {
  const [ofA, ofB] = [settingsOf(a), settingsOf(b)]
  return [...new Set([...Object.keys(ofA), ...Object.keys(ofB)])]
    .map((name) => ({ name, a: ofA[name], b: ofB[name] }))
    .filter((setting) => !isDeepStrictEqual(setting.a, setting.b))
}

const settingsOf = ({ config, sweep, backend, device, versions, commit }: RunLine) =>
  ({
    ...config,
    ...(sweep && { trainLengths: sweep.trainLengths, sizes: sweep.sizes, tokensPerStep: sweep.tokensPerStep }),
    ...{ backend, device, commit },
    ...versions,
  }) as Record<string, unknown>

/** Settings that decide what a perplexity is of. */
const TEXT = ['data', 'tokenizer', 'vocabularySize', 'evalTokens']

/** Those of them that differ: where there are any, perplexities may be of other texts or tokens. */
export const otherText = (settings: readonly SettingDifference[]): string[] =>
  settings.flatMap(({ name }) => (TEXT.includes(name) ? [name] : []))
