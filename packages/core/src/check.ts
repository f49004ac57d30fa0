/** Validation shared by strategy factories: messages read `<function>: expected X, got Y`. */

type ErrorType = new (message: string) => Error

/** @throws `Type`, always */
export function fail(where: string, expected: string, got: unknown, Type: ErrorType = RangeError): never {
  throw new Type(`${where}: expected ${expected}, got ${got}`)
}

/** @throws RangeError or TypeError unless `value` is an integer ≥ `minimum` */
export function checkInteger(where: string, name: string, value: unknown, minimum: number): void {
  checkNumber(where, `an integer ${name} ≥ ${minimum}`, value, Number.isInteger(value) && (value as number) >= minimum)
}

/** @throws RangeError or TypeError unless `value` is a finite number > 0 */
export function checkPositive(where: string, name: string, value: unknown): void {
  checkNumber(where, `a finite ${name} > 0`, value, Number.isFinite(value) && (value as number) > 0)
}

function checkNumber(where: string, expected: string, value: unknown, valid: boolean): void {
  if (typeof value !== 'number') fail(where, expected, typeof value, TypeError)
  if (!valid) fail(where, expected, value)
}

/** @throws RangeError unless `value` is one of `options` */
export function checkOneOf(where: string, name: string, value: unknown, options: readonly string[]): void {
  if (!options.includes(value as string)) fail(where, `${name} as one of ${options}`, value)
}

/**
 * Checks that a value from elsewhere is a strategy this version understands.
 *
 * @throws TypeError with what to do
 */
export function checkStrategy(where: string, value: unknown): void {
  const { specVersion, name } = (value ?? {}) as { specVersion?: unknown; name?: unknown }
  if (specVersion !== 1 || !name)
    fail(where, 'a strategy with specVersion 1 and a name', `${specVersion} and ${name}; use its factory`, TypeError)
}
