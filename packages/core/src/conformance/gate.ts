// Letters: H heads, N tokens, D modelDim.
import { initialParameters, type ParameterValues } from '../parameters.js'
import { type ReferenceTensor, reference } from '../reference.js'
import type { PositionStrategy } from '../strategy.js'
import type { Check } from './check.js'
import { type Axis, expectEqual, expectFinite, expectShape, fail } from './expect.js'
import { features, ROWS, variedParameters } from './inputs.js'

const hasGate: Check['applies'] = ({ gate }) => gate !== undefined

const AXES: readonly Axis[] = [['token'], ['head']]

const gates = ({ gate }: PositionStrategy, parameters: ParameterValues<ReferenceTensor>, x: ReferenceTensor) =>
  gate!.evaluate(reference, parameters, x)

/** The input of a gate; [ROWS, D]. */
const inputs = ({ gate }: PositionStrategy) => features(1, ROWS, gate!.modelDim)

export const gateChecks: readonly Check[] = [
  {
    name: 'gates by finite logarithms of shares, wherever training takes them',
    applies: hasGate,
    run(strategy) {
      const x = inputs(strategy)
      // After a norm, a feature may still be several standard deviations from 0.
      const large = reference.mul(x, reference.tensor([30], [1]))
      const cases = {
        'at the start': [initialParameters(reference, strategy.parameters), x],
        'for any parameters': [variedParameters(strategy, -1.5, 1.5), x],
        'for large inputs': [variedParameters(strategy, -1.5, 1.5), large],
      } as const
      for (const [when, [parameters, given]] of Object.entries(cases)) {
        const value = gates(strategy, parameters, given)
        expectShape('gates', value, [ROWS, strategy.gate!.numHeads])
        expectFinite(
          `gates ${when}`,
          value,
          AXES,
          () => '; likely mistake: ln of a sigmoid that is 0: use ops.logSigmoid',
        )
        const at = value.data.findIndex((gate) => gate > 0)
        if (at < 0) continue
        const shares = value.data.every((gate) => gate >= 0 && gate <= 1)
        fail(
          `gates ≤ 0 ${when}, logarithms of shares`,
          `${value.data[at]}; likely mistake: ${shares ? 'the share itself is returned: return its logarithm' : 'a logarithm above 0, which lets more pass than there is'}`,
        )
      }
    },
  },
  {
    name: 'gates each token by itself',
    applies: hasGate,
    run(strategy) {
      const x = inputs(strategy)
      const parameters = variedParameters(strategy)
      const some = Int32Array.of(7, 2, 2, 5)
      expectEqual(gates(strategy, parameters, reference.gather(x, some, 0)), {
        what: 'the gates of some tokens as among all',
        want: reference.gather(gates(strategy, parameters, x), some, 0),
        axes: [['token', some], ['head']],
        otherwise: () => 'it reads the other tokens of the call: a gate is of one token, the model adds them up',
      })
    },
  },
  {
    name: 'gates by what a token is',
    applies: hasGate,
    run(strategy) {
      const { data } = gates(strategy, variedParameters(strategy), inputs(strategy))
      const { numHeads } = strategy.gate!
      if (data.every((value, i) => value === data[i % numHeads]))
        fail('gates that differ between tokens', 'the same for all; likely mistake: x is not read: a bias is for that')
    },
  },
]
