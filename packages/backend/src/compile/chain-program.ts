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
  readonly places: readonly Place[]
  readonly sizes: readonly number[]
}

interface Result {
  readonly place: Place
  readonly shape: readonly number[]
}

/** The instructions of a chain while they are gathered. */
export interface ChainProgram {
  /** Numbers that it has memory for. */
  readonly memory: number
  /** A place for that many numbers, with what an instruction makes of its operands: the same that made it before, if one has. */
  make(does: Does, operands: readonly Place[], sizes: readonly number[], count: number): Place
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

export function chainProgram(): ChainProgram {
  const instructions: Instruction[] = []
  const offsets: number[] = []
  const made = new Map<string, { readonly place: Place; readonly operands: readonly Place[] }>()
  let memory = 0
  const room = (count: number): Place => {
    offsets.push(memory)
    memory += Math.ceil(count / ALIGNED) * ALIGNED
    return { slot: offsets.length - 1, offset: 0 }
  }
  const list = (numbers: readonly number[]) => [numbers.length, ...numbers]
  return {
    get memory() {
      return memory
    },
    room,
    make(does, operands, sizes, count) {
      const key = JSON.stringify([does, operands, sizes])
      const before = made.get(key)
      if (before) return before.place
      const place = room(count)
      made.set(key, { place, operands })
      instructions.push({ does, places: [place, ...operands], sizes })
      return place
    },
    write(does, places, sizes) {
      instructions.push({ does, places, sizes })
      // What was made of it is not what would be made of it now.
      const { slot } = places[0]!
      for (const [key, { operands }] of made) if (operands.some((place) => place.slot === slot)) made.delete(key)
    },
    encode(results, order) {
      const numbersOf = (place: Place) => [
        inputAt(place) < 0 ? place.slot : inputPlace(order[inputAt(place)]!).slot,
        place.offset,
      ]
      return Int32Array.from([
        ...list(offsets),
        memory,
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
