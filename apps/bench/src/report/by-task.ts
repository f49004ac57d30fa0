import { type Results, rowsOf, trainedOnOf } from '@alibi/results'

/** The results of models that were trained on the same. */
export interface ResultsOfTask {
  /** The task's name; undefined for a text. */
  readonly trainedOn: string | undefined
  readonly results: Results
}

/** Results by what models were trained on: of most runs there is one part, all of them. */
export function resultsByTask(results: Results): ResultsOfTask[] {
  const { run, train, evals, positions, retrieval, tasks, contexts } = results
  const all = trainedOnOf({ run, lines: rowsOf(results) })
  if (all.length < 2) return [{ trainedOn: all[0], results }]
  return all.map((trainedOn) => {
    const own = <L extends { readonly trainedOn?: string | undefined }>(lines: readonly L[]) =>
      lines.filter((line) => line.trainedOn === trainedOn)
    return {
      trainedOn,
      results: {
        run,
        train: own(train),
        evals: own(evals),
        positions: own(positions),
        retrieval: own(retrieval),
        tasks: own(tasks),
        contexts: own(contexts),
      },
    }
  })
}
