import { initialParameters } from '../parameters.js'
import { reference } from '../reference.js'
import { type Check, evaluateHooks, expectFinite, fail, knownPositions, variedParameters } from './check.js'

const hasParameters: Check['applies'] = ({ parameters }) => parameters !== undefined

export const parameterChecks: readonly Check[] = [
  {
    name: 'declares parameters that survive JSON and start finite',
    applies: hasParameters,
    run({ parameters }) {
      const copy = JSON.parse(JSON.stringify(parameters))
      for (const [name, spec] of Object.entries(parameters!)) {
        if (!equalData(spec, copy[name])) fail(`parameter ${name} as plain data`, 'what JSON changes')
        const { shape, init } = spec
        const size = shape.reduce((a, b) => a * b, 1)
        if (!shape.every((n) => Number.isInteger(n) && n >= 1)) fail(`sizes ≥ 1 of ${name}`, `[${shape}]`)
        if (init.kind === 'values' && init.values.length !== size)
          fail(`${size} values of ${name}`, `${init.values.length}`)
      }
      for (const [name, value] of Object.entries(initialParameters(reference, parameters)))
        expectFinite(`start of ${name}`, value)
    },
  },
  {
    name: 'reads every parameter',
    applies: hasParameters,
    run(strategy) {
      const parameters = variedParameters(strategy)
      const positions = knownPositions(strategy)
      const outputs = (values: typeof parameters) =>
        evaluateHooks(strategy, reference, values, positions).flatMap(({ data }) => [...data])
      const before = outputs(parameters)
      for (const name of Object.keys(parameters)) {
        const moved = outputs({ ...parameters, [name]: reference.mul(parameters[name]!, reference.tensor([1.5], [])) })
        if (moved.every((value, i) => value === before[i])) fail(`${name} to change something`, 'no change')
      }
    },
  },
  {
    name: 'trains every parameter',
    applies: (strategy, { differentiable }) => strategy.parameters !== undefined && differentiable !== undefined,
    run(strategy, { differentiable }) {
      const { ops, gradients } = differentiable!
      const positions = knownPositions(strategy)
      const value = (parameters: object) => {
        const [first, ...rest] = evaluateHooks(strategy, ops, parameters as never, positions).map((x) =>
          ops.reshape(x, [-1]),
        )
        if (rest.length) fail('parameters of one hook for this check', 'of several: check its parts')
        return first!
      }
      const all = gradients(value, variedParameters(strategy))
      for (const name of Object.keys(strategy.parameters!)) {
        const gradient = Array.from(all[name] ?? [])
        if (!gradient.some((g) => g !== 0)) fail(`a gradient for ${name}`, 'none')
        if (!gradient.every(Number.isFinite)) fail(`a finite gradient for ${name}`, 'NaN or infinity')
      }
    },
  },
]

/** Equal as data, where a typed array or undefined is not what JSON makes of it. */
function equalData(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return Object.is(a, b)
  if (Array.isArray(a) !== Array.isArray(b) || ArrayBuffer.isView(a)) return false
  const keys = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...keys].every((key) => equalData(a[key as keyof typeof a], b[key as keyof typeof b]))
}
