import type { EvalLine, ResultLine } from '@alibi/results'
import type { Scalar } from './event.js'

/** A line of results as TensorBoard shows it: `train` by steps, `eval` and `task` by evaluation length, `retrieval` by distance. */
export function scalarsOf(
  line: ResultLine,
): { readonly step: number; readonly scalars: readonly Scalar[] } | undefined {
  switch (line.type) {
    case 'train': {
      const { step, lossNats, tokensPerSecond, peakResidentBytes } = line
      const memory =
        peakResidentBytes === undefined ? [] : [{ tag: 'train/peak resident bytes', value: peakResidentBytes }]
      const loss = { tag: 'train/loss', value: lossNats }
      return { step, scalars: [loss, { tag: 'train/tokens per second', value: tokensPerSecond }, ...memory] }
    }
    case 'eval': {
      const name = `eval/${readingName(line)}`
      return {
        step: line.evalLength,
        scalars: [
          { tag: `${name}/perplexity`, value: line.perplexity },
          { tag: `${name}/loss`, value: line.lossNats },
          ...(line.tokensPerSecond === undefined
            ? []
            : [{ tag: `${name}/tokens per second`, value: line.tokensPerSecond }]),
        ],
      }
    }
    case 'retrieval': {
      const { task, evalLength, distance, correct, trials } = line
      return {
        step: distance,
        scalars: [{ tag: `retrieval/${task} in ${evalLength}/share found`, value: correct / trials }],
      }
    }
    case 'task': {
      const { task, evalLength, scoring, score } = line
      return { step: evalLength, scalars: [{ tag: `task/${task} by ${scoring}/score`, value: score }] }
    }
    default:
      return undefined
  }
}

/** The same for every evaluation length of a run. */
const readingName = ({ protocol, attentionWindow }: EvalLine) =>
  attentionWindow === undefined ? protocol : `${protocol}, ${attentionWindow} keys`
