import type { RunLine } from './lines.js'

/** Something that the two runs were not made with alike; undefined where one of them does not have it. */
export interface SettingDifference {
  /** The name of what differs: a setting, a version or a part of the machine. */
  readonly name: string
  /** Its value in the first run. */
  readonly a: unknown
  /** Its value in the second run. */
  readonly b: unknown
}

/** Every setting, version or machine that differs. */
export function differentSettings(a: RunLine, b: RunLine): SettingDifference[] {
  const [ofA, ofB] = [settingsOf(a), settingsOf(b)]
  return [...new Set([...Object.keys(ofA), ...Object.keys(ofB)])]
    .map((name) => ({ name, a: ofA[name], b: ofB[name] }))
    .filter((setting) => !sameValue(setting.a, setting.b))
}

const settingsOf = ({ config, sweep, backend, device, versions, commit }: RunLine) =>
  ({
    ...config,
    ...(sweep && {
      trainLengths: sweep.trainLengths,
      tasks: sweep.tasks,
      sizes: sweep.sizes,
      tokensPerStep: sweep.tokensPerStep,
    }),
    ...{ backend, device, commit },
    ...versions,
  }) as Record<string, unknown>

/** Settings that decide what a perplexity is of. */
const TEXT = ['data', 'pack', 'tokenizer', 'tokenizerFile', 'vocabularySize', 'evalTokens']

/** Those of them that differ: where there are any, perplexities may be of other texts or tokens. */
export const otherText = (settings: readonly SettingDifference[]): string[] =>
  settings.flatMap(({ name }) => (TEXT.includes(name) ? [name] : []))

/** Whether two JSON values are equal. The order of an object's keys does not matter. */
function sameValue(a: unknown, b: unknown): boolean {
  if (!isObject(a) || !isObject(b)) return Object.is(a, b)
  const keys = Object.keys(a)
  return (
    Array.isArray(a) === Array.isArray(b) &&
    keys.length === Object.keys(b).length &&
    keys.every((key) => key in b && sameValue(a[key], b[key]))
  )
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
