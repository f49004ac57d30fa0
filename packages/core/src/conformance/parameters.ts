import { initialParameters, type ParameterValues } from '../parameters.js'
import { type ReferenceTensor, reference } from '../reference.js'
import { sizeOf } from '../size-of.js'
import type { Check } from './check.js'
import { fail } from './expect.js'
import { evaluateHooks, knownPositions, variedParameters } from './inputs.js'

const hasParameters: Check['applies'] = ({ parameters }) => parameters !== undefined

/** Parts that an axis is cut into, to ask of each whether it is read. */
const PARTS = 24

export const parameterChecks: readonly Check[] = [
  {
    // Half, because T5 has buckets that no distance falls into.
    name: 'reads every parameter, at least half of it along each axis',
    applies: hasParameters,
    run(strategy) {
      const parameters = variedParameters(strategy)
      const positions = knownPositions(strategy)
      const outputs = (values: typeof parameters) =>
        Object.values(evaluateHooks(strategy, reference, values, positions)).flatMap(({ data }) => [...data])
      const before = outputs(parameters)
      for (const [name, { shape, data }] of Object.entries(parameters)) {
        /** Whether something changes with the values of this parameter at the chosen flat indices. */
        const reads = (chosen: (flat: number) => boolean) => {
          const moved = data.map((value, flat) => (chosen(flat) ? 1.5 * value : value))
          return outputs({ ...parameters, [name]: { shape, data: moved } }).some((value, i) => value !== before[i])
        }
        if (!reads(() => true))
          fail(
            `parameter ${name} to change something`,
            'no change; likely mistake: it is declared but no hook reads it',
          )
        shape.forEach((size, axis) => {
          const stride = sizeOf(shape.slice(axis + 1))
          const parts = Math.min(size, PARTS)
          const partOf = (flat: number) => Math.floor(((Math.floor(flat / stride) % size) * parts) / size)
          const read = Array.from({ length: parts }, (_, part) => reads((flat) => partOf(flat) === part))
          const count = read.filter(Boolean).length
          if (count < parts / 2)
            fail(
              `half of parameter ${name} to be read along axis ${axis} of [${shape}]`,
              `${count} of ${parts} parts; likely mistake: an index that stays the same, or a shape larger than what is used`,
            )
        })
      }
    },
  },
  {
    name: 'trains every parameter',
    applies: (strategy, { differentiable }) => strategy.parameters !== undefined && differentiable !== undefined,
    async run(strategy, { differentiable }) {
      const { ops, gradients } = differentiable!
      const positions = knownPositions(strategy)
      const values = (parameters: ParameterValues<unknown>) =>
        Object.values(evaluateHooks(strategy, ops, parameters, positions))
      const gradientsAt = async (parameters: ParameterValues<ReferenceTensor>) => {
        try {
          return await gradients(values, parameters)
        } catch (error) {
          return fail('a gradient for every parameter', `“${(error as Error).message}”; ${ON_THE_HOST}`)
        }
      }
      const [all, atStart] = [
        await gradientsAt(variedParameters(strategy)),
        await gradientsAt(initialParameters(reference, strategy.parameters)),
      ]
      for (const name of Object.keys(strategy.parameters!)) {
        const gradient = Array.from(all[name] ?? [])
        if (!gradient.some((g) => g !== 0)) fail(`a gradient for parameter ${name}`, `none; ${ON_THE_HOST}`)
        if (!gradient.every(Number.isFinite)) fail(`a finite gradient for ${name}`, 'NaN or infinity')
        if (!Array.from(atStart[name] ?? []).every(Number.isFinite))
          fail(
            `a finite gradient for ${name} where training starts`,
            'NaN or infinity; likely mistake: it starts where its function has no slope, as ln and √ at 0',
          )
      }
    },
  },
]

const ON_THE_HOST = 'likely mistake: it is read on the host: compute with the ops that the hook is given'
