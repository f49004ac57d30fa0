/** Validation shared by strategy factories: messages read `<function>: expected X, got Y`. */

/** @throws RangeError or TypeError unless `value` is an integer ≥ `minimum` */
export function checkInteger(where: string, name: string, value: unknown, minimum: number): void {
  if (typeof value !== 'number') throw new TypeError(`${where}: expected ${name} as a number, got ${typeof value}`)
  if (!Number.isInteger(value) || value < minimum)
    throw new RangeError(`${where}: expected an integer ${name} ≥ ${minimum}, got ${value}`)
}

/** @throws RangeError or TypeError unless `value` is a finite number > 0 */
export function checkPositive(where: string, name: string, value: unknown): void {
  if (typeof value !== 'number') throw new TypeError(`${where}: expected ${name} as a number, got ${typeof value}`)
  if (!(value > 0 && value < Infinity)) throw new RangeError(`${where}: expected a finite ${name} > 0, got ${value}`)
}

/** @throws RangeError unless `value` is one of `options` */
export function checkOneOf(where: string, name: string, value: unknown, options: readonly string[]): void {
  if (!options.includes(value as string))
    throw new RangeError(`${where}: expected ${name} as one of ${options.join(', ')}, got ${String(value)}`)
}

/**
 * Checks that a value from elsewhere is a strategy this version understands.
 *
 * @throws TypeError with what to do
 */
export function checkStrategy(where: string, value: unknown): void {
  const { specVersion, name } = (value ?? {}) as { specVersion?: unknown; name?: unknown }
  if (specVersion !== 1)
    throw new TypeError(
      `${where}: expected a PositionStrategy with specVersion 1, got ${String(specVersion)}; ${
        typeof specVersion === 'number' ? 'upgrade @alibi/core' : 'pass the object that a strategy factory returns'
      }`,
    )
  if (typeof name !== 'string' || !name) throw new TypeError(`${where}: expected a strategy with a name, got ${name}`)
}
