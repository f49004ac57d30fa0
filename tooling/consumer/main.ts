// A program of somebody who installed the packages: tooling/test/consumers.test.ts compiles and runs it elsewhere.
import { alibi, alibiSlopes } from '@alibi/alibi'
import {
  type BiasStrategy,
  compose,
  initialParameters,
  type ParameterValues,
  positionRange,
  type ReferenceTensor,
  reference,
  rotate,
  type ScoreBias,
  scoreBias,
} from '@alibi/core'
import { conformanceCases } from '@alibi/core/conformance'
import { fire } from '@alibi/fire'
import { kerple } from '@alibi/kerple'
import { rotary, yarnScaling } from '@alibi/rotary'
import { sandwich } from '@alibi/sandwich'
import { learned, sinusoidal } from '@alibi/sinusoidal'
import { t5Bias } from '@alibi/t5-bias'

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
  turned: rotate(reference, rotation, table, [2, 8], positionRange(0, 2), 'key').shape,
  cases: cases.length,
}
