import { util } from '@tensorflow/tfjs'

/** What an instruction does; the same list, in the same order, is in native/chain.h. */
const INSTRUCTIONS = [
  'add',
  'subtract',
  'multiply',
  'divide',
  'power',
  'larger',
  'smaller',
  'less',
  'lessOrEqual',
  'greater',
  'greaterOrEqual',
  'addIntegers',
  'subtractIntegers',
  'largerInteger',
  'smallerInteger',
  'negate',
  'magnitude',
  'floor',
  'relu',
  'exponential',
  'logarithm',
  'logarithmOf1Plus',
  'sigmoid',
  'squareRoot',
  'square',
  'toFloat',
  'toInteger',
  'sum',
  'softmax',
  'copy',
  'gather',
  'gatherAt',
  'normalize',
  'gelu',
  'multiplyRows',
  'product',
  'attendSlots',
  'update',
  'matrixProduct',
  'attention',
  'attentionGradient',
  'geluGradient',
  'normalizeGradient',
  'sumRows',
  'sumSegments',
  'crossEntropy',
  'adamw',
  'isNotANumber',
  'sign',
  'select',
  'zero',
  'random',
  'hyperbolicTangent',
  'errorFunction',
  'lessInteger',
  'greaterOrEqualInteger',
] as const
export type Does = (typeof INSTRUCTIONS)[number]

/** Where a value is: `offset` numbers of four bytes into a slot. From 0 on, slots are the chain's own. */
export interface Place {
  readonly slot: number
  readonly offset: number
}

/** An operand that is not there. */
export const ABSENT: Place = { slot: -1, offset: 0 }

/** An input of the chain. */
export const inputPlace = (index: number): Place => ({ slot: -2 - index, offset: 0 })
/** The index of the input that a place is in; below 0 where it is in none. */
export const inputAt = ({ slot }: Place): number => -2 - slot

interface Instruction {
  readonly does: Does
  /** The result's, then the operands'. */
  places: readonly Place[]
  readonly sizes: readonly number[]
}

interface Result {
  readonly place: Place
  readonly shape: readonly number[]
}

/** The instructions of a chain while they are gathered. */
export interface ChainProgram {
  /** Numbers that it has made places for. */
  readonly memory: number
  /** Whether it takes operations of any size. */
  readonly isWhole: boolean
  /** A place for that many numbers, with what an instruction makes of its operands: the same that made it before, if one has. */
  make(does: Does, operands: readonly Place[], sizes: readonly number[], count: number): Place
  /**
   * Has a product add more to its result: the same row to each of its rows, or a matrix. For a result that nothing else reads.
   *
   * @returns whether it could
   */
  addToProduct(product: Place, added: Place, what: 'row' | 'matrix'): boolean
  /** Adds an instruction that writes where something is already. */
  write(does: Does, places: readonly Place[], sizes: readonly number[]): void
  /** A place for that many numbers. */
  room(count: number): Place
  /**
   * The program as native/chain.h reads it.
   *
   * @param order - the index of each input among those of the operation
   */
  encode(results: readonly Result[], order: readonly number[]): Int32Array
}

/** Values begin where a line of the cache does. */
const ALIGNED = 16

export function chainProgram(isWhole = false): ChainProgram {
  const instructions: Instruction[] = []
  const sizes: number[] = []
  const made = new Map<string, { readonly place: Place; readonly operands: readonly Place[] }>()
  /** Products by the slots of their results; those that were asked for once. */
  const products = new Map<number, { readonly key: string; readonly instruction: Instruction }>()
  const written = new Set<number>()
  let memory = 0
  const room = (count: number): Place => {
    memory += count
    return { slot: sizes.push(count) - 1, offset: 0 }
  }
  const list = (numbers: readonly number[]) => [numbers.length, ...numbers]
  return {
    get memory() {
      return memory
    },
    isWhole,
    room,
    make(does, operands, numbers, count) {
      const key = JSON.stringify([does, operands, numbers])
      const before = made.get(key)
      if (before) {
        products.delete(before.place.slot)
        return before.place
      }
      const place = room(count)
      made.set(key, { place, operands })
      const instruction: Instruction = { does, places: [place, ...operands], sizes: numbers }
      instructions.push(instruction)
      if (does === 'matrixProduct') products.set(place.slot, { key, instruction })
      return place
    },
    addToProduct({ slot, offset }, added, what) {
      const product = products.get(slot)
      // What is made later is not there yet when the product is.
      if (!product || offset || added.slot >= slot || written.has(added.slot)) return false
      const { instruction, key } = product
      const [result, a, b, row = ABSENT, matrix = ABSENT] = instruction.places as [Place, Place, Place, ...Place[]]
      if ((what === 'row' ? row : matrix) !== ABSENT) return false
      instruction.places = [result, a, b, ...(what === 'row' ? [added, matrix] : [row, added])]
      made.delete(key)
      return true
    },
    write(does, places, numbers) {
      written.add(places[0]!.slot)
      instructions.push({ does, places, sizes: numbers })
      // What was made of it is not what would be made of it now.
      const { slot } = places[0]!
      for (const [key, { operands }] of made) if (operands.some((place) => place.slot === slot)) made.delete(key)
    },
    encode(results, order) {
      const numbersOf = (place: Place) => [
        inputAt(place) < 0 ? place.slot : inputPlace(order[inputAt(place)]!).slot,
        place.offset,
      ]
      const { offsets, end } = planMemory(sizes, instructions, results)
      return Int32Array.from([
        ...list(offsets),
        end,
        results.length,
        ...results.flatMap(({ place, shape }) => [...numbersOf(place), ...list(shape)]),
        instructions.length,
        ...instructions.flatMap(({ does, places, sizes }) => [
          INSTRUCTIONS.indexOf(does),
          places.length,
          ...places.flatMap(numbersOf),
          ...list(sizes),
        ]),
      ])
    },
  }
}

/** The offset of what TensorFlow has memory for: a result. */
const OUTSIDE = -1

/**
 * Where each slot begins in the chain's memory: where others were that nobody reads any more. Results with a slot to themselves are
 * outside of it.
 */
function planMemory(sizes: readonly number[], instructions: readonly Instruction[], results: readonly Result[]) {
  const uses = sizes.map(() => ({ first: Infinity, last: -1 }))
  for (const [index, { places }] of instructions.entries())
    for (const { slot } of places) {
      const use = uses[slot]
      if (use) uses[slot] = { first: Math.min(use.first, index), last: index }
    }
  const isOwn = (slot: number) => {
    const of = results.filter(({ place }) => place.slot === slot)
    return of.length === 1 && of[0]!.place.offset === 0 && util.sizeFromShape([...of[0]!.shape]) === sizes[slot]
  }
  const offsets = sizes.map(() => 0)
  for (const { place } of results) if (uses[place.slot]) uses[place.slot]!.last = Infinity
  /** What is in use, in order. */
  let held: { readonly from: number; readonly to: number; readonly last: number }[] = []
  let end = 0
  const inOrder = [...sizes.keys()].sort((a, b) => uses[a]!.first - uses[b]!.first)
  for (const slot of inOrder) {
    const { first, last } = uses[slot]!
    if (first === Infinity) continue
    if (last === Infinity && isOwn(slot)) {
      offsets[slot] = OUTSIDE
      continue
    }
    held = held.filter((each) => each.last >= first)
    const size = Math.ceil(sizes[slot]! / ALIGNED) * ALIGNED
    const before = [0, ...held.map(({ to }) => to)]
    const at = before.findIndex((from, i) => from + size <= (held[i]?.from ?? Infinity))
    const from = before[at]!
    held.splice(at, 0, { from, to: from + size, last })
    offsets[slot] = from
    end = Math.max(end, from + size)
  }
  return { offsets, end }
}
