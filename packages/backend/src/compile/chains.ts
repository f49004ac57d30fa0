import { BOOLEAN, type Operand } from './chain-ops/op.js'
import { CHAINED_OPS } from './chain-ops/ops.js'
import { chainProgram, inputAt, inputPlace, type Place } from './chain-program.js'
import type { NodeBackend } from './node-backend.js'
import type { RecordedOp, Recording, Signature, Source } from './record.js'

/** Our operation that does a chain of others; see native/chain.h. */
export const CHAIN = 'AlibiChain'

/** TensorFlow's operation of all products. */
const PRODUCT = 'BatchMatMulV2'
/** Operations from which on a chain pays. */
const WORTH = 4
/** Numbers after which a chain ends: each thread that runs chains keeps memory for the largest. */
const MOST_MEMORY = 1 << 22
/** Operations that draw other numbers in each run. */
const DRAWS = /^(Random|Multinomial|TruncatedNormal|ParameterizedTruncatedNormal)/
/** Bytes up to which constants are compared. */
const COMPARED = 1 << 16

/** What the graph of a step has besides its recording. */
interface Outside {
  readonly inputs: readonly Signature[]
  readonly variables: readonly Signature[]
}

/** A recording with its chains. */
export interface Chained {
  readonly recording: Recording
  /** The numbers of their programs, which the operations ask for when they run. */
  readonly programs: readonly number[]
  /** Outputs that are variables written in place, by {@link keyOf}. */
  readonly inPlace: ReadonlyMap<string, Source>
  /** Operations that are in no chain, but for those that come of constants alone, and operations that are in one. */
  readonly left: number
  readonly taken: number
}

/**
 * A recording in which small operations in a row are one: TensorFlow's executor takes some 10 µs for each, and a token of decoding
 * has 180. They run in the order in which they were recorded, so what one writes in place the next reads. What comes of
 * constants alone stays, because TensorFlow computes it once.
 *
 * @param isWhole - chains take operations of any size
 */
export function chainOps(
  recording: Recording,
  outside: Outside,
  { binding, chains }: NodeBackend,
  isWhole = false,
): Chained {
  const { ops } = recording
  const constants = [...recording.constants]
  const floats = new Map<number, number>()
  /** A constant of what is true or false as a chain has it, in floats. */
  const asFloats = (index: number): Source => {
    const { shape, content } = constants[index]!
    if (!floats.has(index)) {
      const numbers = new Uint8Array(Float32Array.from(content).buffer)
      floats.set(index, constants.push({ dtype: binding.TF_FLOAT, shape, content: numbers }) - 1)
    }
    return { kind: 'constant', index: floats.get(index)! }
  }
  const isTruth = (source: Source) => source.kind === 'constant' && constants[source.index]!.dtype === BOOLEAN
  const signatureOf = (source: Source): Signature =>
    source.kind === 'op'
      ? ops[source.op]!.outputs[source.output]!
      : { variable: outside.variables, input: outside.inputs, constant: constants }[source.kind][source.index]!
  const isFixed = fixedOps(ops)
  const isProduct = (source: Source) => source.kind === 'op' && ops[source.op]!.name === PRODUCT
  const firstEqual = firstEqualConstants(constants)
  const lastUse = lastUses(recording)
  const numReaders = readersOf(recording)
  const result: RecordedOp[] = []
  const programs: number[] = []
  let left = 0
  const inPlace = new Map<string, Source>()
  /** Where what an operation made is in the result. */
  const now = new Map<string, Source>()
  const current = (source: Source): Source => now.get(keyOf(source)) ?? source
  const add = (op: RecordedOp, outputs: readonly Source[]) => {
    const index = result.push({ ...op, inputs: op.inputs.map(current) }) - 1
    outputs.forEach((source, output) => void now.set(keyOf(source), { kind: 'op', op: index, output }))
  }
  const keep = (index: number) => {
    add(ops[index]!, outputsOf(ops, index))
  }

  function openChain() {
    const program = chainProgram(isWhole)
    const { encode } = program
    const inputs: Source[] = []
    const places = new Map<string, Place>()
    const done: number[] = []
    const placeOf = (given: Source): Place => {
      const first = given.kind === 'constant' ? { ...given, index: firstEqual[given.index] ?? given.index } : given
      const source = first.kind === 'constant' && isTruth(first) ? asFloats(first.index) : first
      const key = keyOf(source)
      if (!places.has(key)) places.set(key, inputPlace(inputs.push(source) - 1))
      return places.get(key)!
    }
    const operand = (source: Source): Operand => ({
      ...signatureOf(source),
      get place() {
        return placeOf(source)
      },
      isInVariable: () => inputs[inputAt(placeOf(source))]?.kind === 'variable',
      constant: () => (source.kind === 'constant' ? integersOf(constants[source.index]!.content) : undefined),
    })
    return {
      /** @returns whether the chain does it */
      take(index: number): boolean {
        const { name, inputs, outputs, attributes } = ops[index]!
        // Floats are four bytes, and so is what is true or false within a chain, but not outside.
        const canRead = (source: Source) =>
          places.has(keyOf(source)) ||
          isTruth(source) ||
          [binding.TF_FLOAT, binding.TF_INT32].includes(signatureOf(source).dtype)
        if (!inputs.every(canRead) || (program.memory > MOST_MEMORY && !isWhole)) return false
        const named = new Map(attributes.map(({ name, value }) => [name, value]))
        const isRead = (output: number) => numReaders.has(keyOf({ kind: 'op', op: index, output }))
        const isProductForThis = (input: number) =>
          isProduct(inputs[input]!) && numReaders.get(keyOf(inputs[input]!)) === 1
        const op = {
          inputs: inputs.map(operand),
          outputs,
          attributes: named,
          program,
          isRead,
          isProductForThis,
        }
        const made = CHAINED_OPS[name]?.(op)
        made?.forEach((place, output) => void places.set(keyOf({ kind: 'op', op: index, output }), place))
        if (made) done.push(index)
        return made !== undefined
      },
      close(end: number): void {
        const wanted = done.flatMap((index) => outputsOf(ops, index)).filter((made) => lastUse.get(keyOf(made))! >= end)
        const isFloat = (source: Source) => signatureOf(source).dtype === binding.TF_FLOAT
        if (done.length < WORTH || !wanted.every(isFloat)) {
          for (const index of done) keep(index)
          left += done.length
          return
        }
        const ordered = [...inputs.filter(isFloat), ...inputs.filter((source) => !isFloat(source))]
        const results = wanted.map((source) => ({ ...signatureOf(source), place: places.get(keyOf(source))! }))
        const order = inputs.map((source) => ordered.indexOf(source))
        const program = chains!.keepChain(encode(results, order))
        const numFloats = ordered.filter(isFloat).length
        const attributes = Object.entries({
          chain: program,
          num_floats: numFloats,
          num_integers: ordered.length - numFloats,
          num_results: results.length,
        }).map(([name, value]) => ({ name, type: binding.TF_ATTR_INT, value }))
        add({ name: CHAIN, attributes, inputs: ordered, outputs: results }, wanted)
        programs.push(program)
        for (const [i, { place }] of results.entries()) {
          const source = inputs[inputAt(place)]
          if (source) inPlace.set(keyOf(current(wanted[i]!)), source)
        }
      },
    }
  }

  let chain = openChain()
  for (const index of ops.keys()) {
    if (isFixed[index]) keep(index)
    else if (!chain.take(index)) {
      chain.close(index)
      keep(index)
      left++
      chain = openChain()
    }
  }
  chain.close(ops.length)
  const updates = new Map([...recording.updates].map(([variable, source]) => [variable, current(source)]))
  return {
    recording: { ...recording, constants, ops: result, outputs: recording.outputs.map(current), updates },
    programs,
    inPlace,
    left,
    taken: ops.length - left - isFixed.filter(Boolean).length,
  }
}

/** Equal for the same source. */
export const keyOf = (source: Source) =>
  source.kind === 'op' ? `${source.op}:${source.output}` : `${source.kind}:${source.index}`

const outputsOf = (ops: readonly RecordedOp[], op: number): Source[] =>
  ops[op]!.outputs.map((_, output) => ({ kind: 'op', op, output }))

const integersOf = (content: Uint8Array): number[] => [...new Int32Array(content.slice().buffer)]

/** For each constant, the first that is equal: layers make the same ones, and what is made of the same is made once. */
function firstEqualConstants(constants: Recording['constants']): number[] {
  const first = new Map<string, number>()
  return constants.map(({ dtype, shape, content }, index) => {
    if (content.length > COMPARED) return index
    const key = `${dtype} ${shape} ${Buffer.from(content).toString('latin1')}`
    if (!first.has(key)) first.set(key, index)
    return first.get(key)!
  })
}

/** Which operations come of constants alone, and are the same in each run. */
function fixedOps(ops: readonly RecordedOp[]): boolean[] {
  const isFixed: boolean[] = []
  const isConstant = (source: Source) => source.kind === 'constant' || (source.kind === 'op' && isFixed[source.op]!)
  for (const { name, inputs } of ops) isFixed.push(!DRAWS.test(name) && inputs.every(isConstant))
  return isFixed
}

/** The last operation that reads each output of one; Infinity where the step gives it back or a variable takes it. */
function lastUses({ ops, outputs, updates }: Recording): Map<string, number> {
  const last = new Map<string, number>()
  for (const [index, { inputs }] of ops.entries()) for (const source of inputs) last.set(keyOf(source), index)
  for (const source of [...outputs, ...updates.values()]) last.set(keyOf(source), Infinity)
  return last
}

/** How often something reads each output of an operation: others, the step's results, variables. */
function readersOf({ ops, outputs, updates }: Recording): Map<string, number> {
  const readers = new Map<string, number>()
  for (const source of [...ops.flatMap(({ inputs }) => inputs), ...outputs, ...updates.values()])
    readers.set(keyOf(source), 1 + (readers.get(keyOf(source)) ?? 0))
  return readers
}
