// A program of somebody who installed the packages: tooling/test/consumers.test.ts compiles and runs it elsewhere.
import { alibi, alibiSlopes } from '@alibi/alibi'
import { cope } from '@alibi/cope'
import {
  attentionWeights,
  type BiasStrategy,
  compose,
  initialParameters,
  type ParameterValues,
  type PositionStrategy,
  positionRange,
  type ReferenceTensor,
  reference,
  rotate,
  type ScoreBias,
  scoreBias,
} from '@alibi/core'
import { conformanceCases } from '@alibi/core/conformance'
import { fire } from '@alibi/fire'
import { forgetting } from '@alibi/forgetting'
import { kerple } from '@alibi/kerple'
import { rotary, yarnScaling } from '@alibi/rotary'
import { sandwich } from '@alibi/sandwich'
import { learned, sinusoidal } from '@alibi/sinusoidal'
import { streaming } from '@alibi/streaming'
import { t5Bias } from '@alibi/t5-bias'
import { transformerXl } from '@alibi/transformer-xl'

const biases: readonly BiasStrategy[] = [
  alibi({ numHeads: 8 }),
  fire({ numHeads: 8 }),
  kerple({ numHeads: 8 }),
  sandwich({ numHeads: 8 }),
  t5Bias({ numHeads: 8 }),
  compose(alibi({ numHeads: 8 }), sinusoidal({ modelDim: 8 })),
]
const { rotation } = rotary({ rotaryDim: 8, scaling: yarnScaling({ factor: 4, originalMaxPositions: 16 }) })
const { embedding, parameters } = learned({ modelDim: 8, maxPositions: 16 })
// @ts-expect-error the declarations refuse what is no option
export const refused = () => alibi({ heads: 8 })

const [numHeads, headDim, length] = [2, 4, 5]
const features = (...shape: number[]) =>
  reference.tensor(
    Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i)),
    shape,
  )
const reading: readonly PositionStrategy[] = [
  forgetting({ numHeads, modelDim: 8 }),
  transformerXl({ numHeads, headDim, modelDim: 8 }),
  cope({ numHeads, headDim }),
  streaming(alibi({ numHeads }), { window: 2, sinks: 1 }),
]
/** What the last query's weights add up to, in the first head. */
const totals = reading.map((strategy) => {
  const [q, k] = [features(numHeads, 1, headDim), features(numHeads, length, headDim)]
  const sizes = { numHeads, headDim, numQueries: 1, positions: positionRange(0, length) }
  const { data } = attentionWeights(strategy, { q, k, x: features(length, 8), ...sizes })
  return Math.round(1e9 * data.slice(0, length).reduce((a, b) => a + b)) / 1e9
})

/** Of the last query among four, in the first head. */
function lastRow(bias: ScoreBias, values: ParameterValues<ReferenceTensor>): number[] {
  const tile = scoreBias(reference, bias, values, positionRange(3, 1), positionRange(0, 4))
  return Array.from(tile.data.slice(0, 4))
}

const table = embedding.evaluate(reference, initialParameters(reference, parameters), positionRange(0, 2))
const cases = conformanceCases(biases[0]!)
for (const { run } of cases) await run()
export const report = {
  slope: alibiSlopes(8)[0],
  rows: biases.map((each) => lastRow(each.bias, initialParameters(reference, each.parameters))),
  totals,
  turned: rotate(reference, rotation, table, [2, 8], positionRange(0, 2), 'key').shape,
  cases: cases.length,
}
