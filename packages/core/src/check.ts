/** Validation shared by strategies: messages read `<function>: expected X, got Y`. */
import { didYouMean } from './nearest.js'

type ErrorType = new (message: string) => Error

/**
 * Throws an error that reads `<where>: expected <expected>, got <got>`.
 *
 * @param got - the value, or words about it and what to do: `2; pass one a head`
 * @throws `Type`, always. Default RangeError
 */
export function fail(where: string, expected: string, got: unknown, Type: ErrorType = RangeError): never {
  throw new Type(`${where}: expected ${expected}, got ${show(got)}`)
}

/** A value in a few words. */
export function show(value: unknown): string {
  if (typeof value === 'string') return value || "''"
  if (typeof value === 'function') return `the function ${value.name}`.trim()
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null) return String(value)
  if (value instanceof Promise) return 'a promise; await it'
  if (ArrayBuffer.isView(value)) return value.constructor.name
  const name = (value as { name?: unknown }).name
  if (typeof name === 'string' && 'specVersion' in value) return `the strategy ${name}`
  return shortened(JSON.stringify(value) ?? 'an object')
}

const shortened = (text: string) => (text.length > 60 ? `${text.slice(0, 59)}…` : text)

/** @throws RangeError or TypeError unless `value` is an integer ≥ `minimum` */
export function checkInteger(where: string, name: string, value: unknown, minimum: number): void {
  checkNumber(where, `an integer ${name} ≥ ${minimum}`, value, Number.isInteger(value) && (value as number) >= minimum)
}

/** @throws RangeError or TypeError unless `value` is a finite number > 0 */
export function checkPositive(where: string, name: string, value: unknown): void {
  checkNumber(where, `a finite ${name} > 0`, value, Number.isFinite(value) && (value as number) > 0)
}

function checkNumber(where: string, expected: string, value: unknown, valid: boolean): void {
  if (typeof value !== 'number') fail(where, expected, value === null ? 'null' : typeof value, TypeError)
  if (!valid) fail(where, expected, value)
}

/** @throws TypeError unless `value` is true or false */
export function checkBoolean(where: string, name: string, value: unknown): void {
  if (typeof value !== 'boolean') fail(where, `${name} as true or false`, value, TypeError)
}

/** @throws RangeError unless `value` is one of `options` */
export function checkOneOf(where: string, name: string, value: unknown, options: readonly string[]): void {
  if (!options.includes(value as string)) fail(where, `${name} as one of ${options}`, value)
}

/** What every factory may be given besides its own options, as the bench gives all of them to each. */
const MODEL_SIZES = ['numHeads', 'headDim', 'modelDim', 'trainLength']

/**
 * Checks what a factory was called with, before it is destructured.
 *
 * @param names - the options that there are; the sizes of a model (numHeads, headDim, modelDim, trainLength) may be given
 * to every factory, which takes what it needs
 * @throws TypeError for anything but an object, or an option with another name: it names the nearest
 */
export function checkOptions(where: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    fail(where, `an object of options: ${names.join(', ')}`, options, TypeError)
  const unknown = Object.keys(options).find((name) => ![...names, ...MODEL_SIZES].includes(name))
  if (unknown !== undefined)
    fail(where, `options ${names.join(', ')}`, `${unknown}${didYouMean(unknown, names)}`, TypeError)
}
