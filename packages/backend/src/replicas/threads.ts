import * as tf from '@tensorflow/tfjs'
import { ReplicaLostError } from './lost.js'
import type { Replicas } from './replicas.js'

/** Memory through which the threads of a process, or the workers of a page, add up. */
export type SharedRoom = SharedArrayBuffer

/** Bytes of a thread's part of a sum at a time: longer arrays go block by block. */
const BLOCK = 2 ** 20
/** 32-bit integers before the blocks: how many have arrived, how often all have, one more than who is gone, and what both change. */
const [ARRIVED, ROUND, GONE, NEWS, CONTROL] = [0, 1, 2, 3, 4]
/** Each block is written where the last but one was: whoever writes there knows that all have read that. */
const HALVES = 2
/** Bytes of each thread's reason to end, between the integers and the blocks. */
const REASON = 1024
/** For the first thread, which never waits long for one that is there; the others wait while it works alone. */
const PATIENCE_MS = 600_000

/**
 * Makes the memory of threads that train one model together. One of them makes it and hands it to the others.
 *
 * @param count - of the threads
 */
export const createRoom = (count: number): SharedRoom =>
  new SharedArrayBuffer(4 * CONTROL + count * (REASON + HALVES * BLOCK))

/** What {@link joinThreads} takes. */
export interface JoinThreadsOptions {
  /** Of {@link createRoom}, the same memory in each thread. */
  readonly room: SharedRoom
  /** Which of them this thread is, from 0; the first one leads. */
  readonly index: number
}

/** Threads that train one model together, each on its part of every batch. */
export interface ThreadReplicas extends Replicas {
  /** Tells the others that this thread ends before its work does, and why: their next sum throws a ReplicaLostError. */
  fail(reason?: string): void
}

/** How steps add up, of replicas that {@link joinThreads} has made. */
const adders = new WeakMap<Replicas, (values: Float32Array) => Float32Array>()

/**
 * Joins the threads of this process: for backends with one thread, wasm and cpu. The parts are added up in the threads' order, so
 * that each gets the same bits. A thread that waits is blocked, which a page's own thread may not be: take workers there.
 *
 * @throws RangeError, one line, for fewer than two threads or an index beyond them
 */
export function joinThreads({ room, index }: JoinThreadsOptions): ThreadReplicas {
  const count = Math.floor((room.byteLength - 4 * CONTROL) / (REASON + HALVES * BLOCK))
  if (!(count >= 2 && Number.isInteger(index) && index >= 0 && index < count))
    throw new RangeError(`joinThreads: expected an index into two threads or more, got ${index} of ${count}`)
  const control = new Int32Array(room, 0, CONTROL)
  const reasonBytes = (thread: number) => new Uint8Array(room, 4 * CONTROL + thread * REASON, REASON)
  // Decoders take no shared memory.
  const reasonOf = (thread: number) => new TextDecoder().decode(reasonBytes(thread).slice()).replace(/\0*$/, '')
  const blocks = 4 * CONTROL + count * REASON
  let half = 0

  function announce(): void {
    Atomics.add(control, NEWS, 1)
    Atomics.notify(control, NEWS)
  }

  function expectNobodyGone(): void {
    const gone = Atomics.load(control, GONE)
    if (gone) throw new ReplicaLostError(gone - 1, reasonOf(gone - 1))
  }

  function waitForAll(): void {
    expectNobodyGone()
    const round = Atomics.load(control, ROUND)
    if (Atomics.add(control, ARRIVED, 1) === count - 1) {
      Atomics.store(control, ARRIVED, 0)
      Atomics.add(control, ROUND, 1)
      announce()
      return
    }
    const patience = index === 0 ? PATIENCE_MS : Number.POSITIVE_INFINITY
    for (;;) {
      const news = Atomics.load(control, NEWS)
      // Where all have come, it is a sum, whoever has ended since.
      if (Atomics.load(control, ROUND) !== round) return
      expectNobodyGone()
      if (Atomics.wait(control, NEWS, news, patience) === 'timed-out')
        throw new ReplicaLostError(undefined, `it has not come for ${PATIENCE_MS / 60_000} minutes`)
    }
  }

  const adder =
    <T extends Float32Array | Float64Array>(Values: {
      new (room: SharedRoom, offset: number, length: number): T
      new (length: number): T
      readonly BYTES_PER_ELEMENT: number
    }) =>
    (values: T): T => {
      const total = new Values(values.length)
      const size = BLOCK / Values.BYTES_PER_ELEMENT
      for (let start = 0; start < values.length; start += size) {
        const part = values.subarray(start, start + size)
        const of = (thread: number) => new Values(room, blocks + (half * count + thread) * BLOCK, part.length)
        of(index).set(part)
        waitForAll()
        const sum = total.subarray(start, start + part.length)
        sum.set(of(0))
        for (let thread = 1; thread < count; thread++) {
          const added = of(thread)
          for (let i = 0; i < sum.length; i++) sum[i]! += added[i]!
        }
        half = (half + 1) % HALVES
      }
      return total
    }
  const add = adder<Float32Array>(Float32Array)
  const replicas: ThreadReplicas = {
    index,
    count,
    sum: adder<Float64Array>(Float64Array),
    // −0 is what changes no number, whatever it is added to.
    share: (values) => add(index === 0 ? values : new Float32Array(values.length).fill(-0)),
    leave() {},
    fail(reason = 'its thread has ended') {
      reasonBytes(index).set(new TextEncoder().encode(reason).subarray(0, REASON))
      Atomics.compareExchange(control, GONE, 0, index + 1)
      announce()
    },
  }
  adders.set(replicas, add)
  return replicas
}

/** Whether these are of {@link joinThreads}. */
export const areThreads = (replicas: Replicas): boolean => adders.has(replicas)

/**
 * A step that threads take together: op by op, with the backend's `sumReplicas` while it runs.
 *
 * @param step - gets the inputs, returns the outputs; runs inside tf.tidy
 * @param replicas - of {@link joinThreads}
 */
export function stepOfThreads(step: (...inputs: tf.Tensor[]) => tf.Tensor[], replicas: Replicas) {
  const add = adders.get(replicas)
  if (!add) throw new TypeError('stepOfThreads: expected replicas that joinThreads has made, got others')
  return Object.assign(
    (...inputs: tf.Tensor[]): tf.Tensor[] => {
      const backend = tf.backend() as { sumReplicas?: (tensor: tf.Tensor) => tf.Tensor }
      backend.sumReplicas = (tensor) => tf.tensor(add(tensor.dataSync<'float32'>()), tensor.shape)
      try {
        return tf.tidy(() => step(...inputs))
      } finally {
        delete backend.sumReplicas
      }
    },
    { sync() {}, dispose() {} },
  )
}
