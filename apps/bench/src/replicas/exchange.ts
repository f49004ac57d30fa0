// What replicas tell each other beside gradients: all of them call the same function at the same time.
import { createHash } from 'node:crypto'
import type { Replicas } from '@alibi/backend'
import { exchangeState, type Trainer } from '@alibi/transformer'

/** @returns the leader's number */
export const shareNumber = (replicas: Replicas, value = 0): number =>
  replicas.sum(Float64Array.of(replicas.index === 0 ? value : 0))[0]!

/**
 * @param value - of the leader; what JSON keeps
 * @returns the leader's value
 */
export function shareJson<T>(replicas: Replicas, value?: T): T {
  const own = new TextEncoder().encode(replicas.index === 0 ? JSON.stringify(value) : '')
  const length = shareNumber(replicas, own.length)
  const shared = replicas.share(replicas.index === 0 ? Float32Array.from(own) : new Float32Array(length))
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(shared)))
}

/** Gives everyone the leader's weights and optimizer's state. */
export const shareState = (replicas: Replicas, trainer: Trainer): void =>
  exchangeState(trainer, (values) => replicas.share(values))

/** Numbers of a hash that is compared: 16 bits each. */
const HASH_NUMBERS = 16

/**
 * Machines of different kinds may round differently, and TensorFlow with other threads may add up in another order: then the
 * replicas train models that drift apart.
 *
 * @throws Error, one line, unless all replicas have the same weights and optimizer's state, bit for bit
 */
export function expectSameState({ index, count, sum }: Replicas, trainer: Trainer): void {
  const hash = createHash('sha256')
  exchangeState(trainer, (values) => {
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    return values
  })
  const own = new Uint16Array(new Uint8Array(hash.digest()).buffer)
  const all = new Float64Array(count * HASH_NUMBERS)
  all.set(own, index * HASH_NUMBERS)
  const hashes = sum(all)
  const other = hashes.findIndex((value, i) => value !== hashes[i % HASH_NUMBERS])
  if (other >= 0)
    throw new Error(
      `train: expected the same weights on all replicas at step ${trainer.step}, got others on replica ${Math.floor(other / HASH_NUMBERS)}; take machines of one kind, with as many threads each`,
    )
}
