// What must be finite: everywhere near, far away, and where training starts. L tokens, N distances.
import { initialParameters, type ParameterValues, seededRandom } from '../parameters.js'
import { type ReferenceTensor, reference } from '../reference.js'
import { scoreBias } from '../score-bias.js'
import type { PositionStrategy, Positions } from '../strategy.js'
import type { TensorOps } from '../tensor-ops.js'
import type { Check } from './check.js'
import { type Axis, expectFinite } from './expect.js'
import { evaluateHooks, firstPositions, isKnown, knownPositions, variedParameters } from './inputs.js'
import { headAxis } from './rotation-suspects.js'

/** Every position up to this is looked at. */
const NEAR = 4096
const FAR = 1e6

/** Positions to 4,096, and some far ones: powers of two with their neighbours, and random ones of each size. */
function manyPositions(strategy: PositionStrategy): Positions {
  const random = seededRandom(1)
  const powers = Array.from({ length: 20 }, (_, i) => [2 ** i - 1, 2 ** i, 2 ** i + 1]).flat()
  const spread = Array.from({ length: 200 }, () => Math.round(NEAR * (FAR / NEAR) ** random()))
  const near = Array.from({ length: NEAR + 1 }, (_, i) => i)
  const all = [...near, ...powers, ...spread, FAR].filter((p) => isKnown(strategy, p) && p <= FAR)
  return Int32Array.from(new Set(all)).sort()
}

const rounded = ({ shape, data }: ReferenceTensor): ReferenceTensor => ({ shape, data: data.map(Math.fround) })

/** The reference backend with each result rounded to fp32. */
const fp32 = Object.fromEntries(
  Object.entries(reference).map(([name, op]) => [
    name,
    (...given: unknown[]) => rounded((op as (...given: unknown[]) => ReferenceTensor)(...given)),
  ]),
) as unknown as TensorOps<ReferenceTensor>

export const numberChecks: readonly Check[] = [
  {
    name: 'is finite in fp32 at every distance to 4,096, and far ones to a million',
    applies: ({ embedding, rotation, bias }) => Boolean(embedding ?? rotation ?? bias),
    run(strategy) {
      const { embedding } = strategy
      const positions = manyPositions(strategy)
      const parameters = variedParameters(strategy)
      if (embedding)
        expectFinite('values of the embedding in fp32', rounded(embedding.evaluate(reference, parameters, positions)), [
          ['position', positions],
          ['feature'],
        ])
      expectFiniteRotation(strategy, positions)
      expectFiniteBias(strategy, positions, parameters)
    },
  },
  {
    name: 'is finite in fp32 where training starts',
    applies: ({ embedding, bias, gate, terms, scores, sink }) =>
      Boolean(embedding ?? bias ?? gate ?? terms ?? scores ?? sink),
    run(strategy) {
      const positions = knownPositions(strategy)
      const start = initialParameters(fp32, strategy.parameters)
      const hint = strategy.parameters
        ? '; likely mistake: a parameter that starts too large for fp32, where e^x ends at x = 88.7'
        : '; likely mistake: a number on the way that fp32 cannot hold'
      for (const [hook, value] of Object.entries(evaluateHooks(strategy, fp32, start, positions)))
        expectFinite(`values of ${hook} in fp32 at the starting parameters`, value, axesOf(hook, positions), () => hint)
    },
  },
]

const AXES: Readonly<Record<string, (positions: Positions) => Axis[]>> = {
  embedding: (positions) => [['position', positions], ['feature']],
}
const axesOf = (hook: string, positions: Positions): Axis[] => AXES[hook]?.(positions) ?? []

function expectFiniteRotation(strategy: PositionStrategy, positions: Positions): void {
  const { rotation } = strategy
  if (!rotation) return
  const check = (what: string, values: Float64Array, hint: string) => {
    const shape = [rotation.numHeads ?? 1, positions.length, rotation.rotaryDim / 2]
    expectFinite(
      `${what} in fp32`,
      { shape, data: values.map(Math.fround) },
      [headAxis(strategy), ['position', positions], ['pair']],
      () => hint,
    )
  }
  check('angles', rotation.angles(positions), '')
  for (const side of ['query', 'key'] as const)
    if (rotation.magnitudes)
      check(
        'magnitudes',
        rotation.magnitudes(positions, side),
        '; likely mistake: factors that grow with the position: declare maxPositions where they leave fp32, and throw',
      )
}

function expectFiniteBias(
  strategy: PositionStrategy,
  positions: Positions,
  parameters: ParameterValues<ReferenceTensor>,
): void {
  const { bias } = strategy
  if (!bias) return
  const ahead = (distance: number) =>
    distance < 0 ? '; likely mistake: the key is ahead, its distance negative: a mask hides it, but not NaN' : ''
  if (bias.kind === 'distance') {
    const distances = Int32Array.from([...positions].flatMap((p) => (p ? [-p, p] : [p]))).sort()
    const value = rounded(bias.evaluate(reference, parameters, distances))
    expectFinite('values of the bias in fp32', value, [['head'], ['distance', distances]], (flat) =>
      ahead(distances[flat % distances.length]!),
    )
    return
  }
  // One query with every key behind and ahead of it: the last near one, and the furthest.
  for (const query of new Set([firstPositions(strategy, NEAR + 1).at(-1)!, 0, positions.at(-1)!])) {
    const value = rounded(scoreBias(reference, bias, parameters, Int32Array.of(query), positions))
    expectFinite('values of the bias in fp32', value, [['head'], ['query', [query]], ['key', positions]], (flat) =>
      ahead(query - positions[flat % positions.length]!),
    )
  }
}
