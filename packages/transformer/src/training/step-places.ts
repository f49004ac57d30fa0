// Letters: B batch, L tokens (trainLength).
import { fail } from '@alibi/core'
import type { ForwardOptions } from '../model/forward-options.js'
import { flatten } from '../model/tokens.js'
import type { TrainerOptions } from './trainer-options.js'

/** Where the tokens of a step are, and of which documents. */
export interface StepPlaces {
  /**
   * Asks anew.
   *
   * @param rows - what the model reads; B of [L]
   */
  begin(step: number, rows: readonly Int32Array[]): void
  /** Of the rows [from, to): arrays, or for a compiled step functions, which give those of the step that runs. */
  of(from: number, to: number): Pick<ForwardOptions, 'positions' | 'documents'>
}

/** Asks for positions and documents once a step. */
export function createStepPlaces({ positions, documents, compile }: TrainerOptions): StepPlaces {
  let step = 0
  let rows: readonly Int32Array[] = []
  const ofStep = new Map<string, Int32Array>()
  const once = (name: string, make: () => Int32Array) => {
    const get = () => {
      const made = ofStep.get(name) ?? make()
      ofStep.set(name, made)
      return made
    }
    return compile ? get : get()
  }
  return {
    begin(number, read) {
      step = number
      rows = read
      ofStep.clear()
    },
    of: (from, to) => ({
      ...(positions && { positions: once('positions', () => checkedPositions(positions(step, rows[0]!.length))) }),
      ...(documents && {
        documents: once(`documents ${from}`, () =>
          flatten(rows.slice(from, to).map((tokens) => checkedIds(documents(tokens), tokens))),
        ),
      }),
    }),
  }
}

/** @throws RangeError or TypeError unless each token of a row has the id of its document */
function checkedIds(ids: unknown, { length }: Int32Array): Int32Array {
  if (!(ids instanceof Int32Array)) fail('trainStep', 'documents to return an Int32Array', ids, TypeError)
  if (ids.length !== length) fail('trainStep', `documents to return ${length} ids, one a token of the row`, ids.length)
  return ids
}

/** What a trainer's `positions` return; their number is checked in the pass. */
function checkedPositions(positions: unknown): Int32Array {
  if (positions instanceof Int32Array) return positions
  return fail('trainStep', 'positions to return an Int32Array', positions, TypeError)
}
