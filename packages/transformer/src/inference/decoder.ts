// Letters: B batch, V vocabularySize.
import { layerStrategy } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { type CompiledStep, currentCompiler, type StepCompiler } from '../compiler.js'
import type { AttentionSettings } from '../model/attention-settings.js'
import { keptGraphs } from '../model/kept-graphs.js'
import type { Model } from '../model/model.js'
import { type Fallbacks, fallbacksOf, tellFallback } from './fallbacks.js'
import type { KvCache } from './kv-cache.js'
import { createSlotCache, type SlotCache } from './slot-cache.js'

/** New tokens from which on a graph pays: making it takes as long as some tokens op by op. */
const WORTH = 32
/** The least room of a cache, in tokens. */
const LEAST_ROOM = 256
/** Tokens that a cache has room for beyond the prompt, before it doubles. */
const ROOM_FOR_NEW = 128
/** Rooms whose graphs are kept: that of now and the one before it doubled. */
const ROOMS = 2

/** Decodes sequences as one graph. */
export interface Decoder {
  /**
   * @param tokens - the next of each sequence, which join the cache; [B]
   * @returns the logits after them; [B·V]
   */
  next(tokens: Int32Array): Promise<Float32Array>
  /** Appends what it has of tokens after those of a cache, the one that it began with; also right after {@link release}. */
  extend(cache: KvCache): void
  /** Lets others use the graphs. */
  release(): void
}

/** A cache of one size with the graph that uses it. */
interface Room {
  readonly slots: SlotCache
  readonly step: CompiledStep
}

/** The graphs of a model by the room of their caches. One batch at a time uses them. */
interface Rooms extends Pick<Fallbacks, 'tell'> {
  isFree: boolean
  has(capacity: number): boolean
  get(capacity: number): Room
  dispose(): void
}

/** What decides whether a graph decodes. */
interface DecoderOptions extends AttentionSettings {
  readonly maxNewTokens: number
  readonly compile?: boolean | undefined
  /** B */
  readonly batchSize: number
  /** Left padding of each sequence in the cache, in tokens; [B]. */
  readonly padding: Int32Array | undefined
  readonly onFallback?: ((reason: string) => void) | undefined
}

/**
 * A decoder that goes on after the tokens of a cache; undefined where decoding runs op by op: on backends that do not compile,
 * for few tokens, and for the reasons that `onFallback` is told.
 */
export function startDecoder(model: Model, cache: KvCache, options: DecoderOptions): Decoder | undefined {
  const { maxNewTokens, compile, batchSize, padding, onFallback } = options
  const compiler = currentCompiler()
  if (!compiler || compile === false) return undefined
  const settings = ['decoder', tf.getBackend(), batchSize, padding !== undefined]
  const rooms = keptGraphs(model.parameters, settings, () => createRooms(model, compiler, batchSize))
  const capacity = roomFor(cache.pastLength + 1 + Math.min(maxNewTokens, ROOM_FOR_NEW))
  if (!(compile || maxNewTokens >= WORTH || rooms.has(capacity))) return undefined
  const reason = refusalOf(model, options) ?? (rooms.isFree ? undefined : 'another batch of texts uses the graphs')
  if (reason) {
    tellFallback(model, reason, onFallback)
    return undefined
  }
  rooms.isFree = false
  let { slots, step } = rooms.get(capacity)
  slots.fill(cache, padding)
  return {
    async next(tokens) {
      if (slots.pastLength === slots.capacity) {
        step.sync()
        const larger = rooms.get(2 * slots.capacity)
        larger.slots.fill(slots, padding)
        slots = larger.slots
        step = larger.step
      }
      const input = tf.tensor1d(tokens, 'int32')
      const [logits] = step(input) as [tf.Tensor]
      input.dispose()
      rooms.tell(onFallback)
      slots.advance(1)
      return logits.data<'float32'>().finally(() => logits.dispose())
    },
    extend(cache) {
      step.sync()
      const from = cache.pastLength
      const fresh = <X extends tf.Tensor>(x: X): X => {
        const [B, heads, P, ...features] = x.shape as [number, number, number, ...number[]]
        const start = [0, 0, from, ...features.map(() => 0)]
        return tf.slice(x, start, [B, heads, P - from, ...features]) as X
      }
      if (slots.pastLength === from) return
      for (let layer = 0; layer < model.config.numLayers; layer++)
        tf.tidy(() => {
          const { keys, values, gates } = slots.tokensOf(layer)
          cache.extend(layer, { keys: fresh(keys), values: fresh(values), gates: gates && fresh(gates) })
        })
    },
    release() {
      step.sync()
      rooms.isFree = true
    },
  }
}

/** Why no graph decodes for a model with these options; undefined where one can. */
function refusalOf(model: Model, { attentionKernels, attentionStorage }: AttentionSettings): string | undefined {
  if (attentionKernels) return 'the kernel of attention is the caller’s choice'
  if (attentionStorage === 'float16') return 'a cache of slots is float32'
  if (layersOf(model).some(({ terms }) => terms)) return 'relative terms are not computed over a cache of slots'
  return undefined
}

function createRooms(model: Model, compile: StepCompiler, batchSize: number): Rooms {
  const made = new Map<number, Room>()
  const { onFallback, tell } = fallbacksOf(model)
  const gated = layersOf(model).map(({ gate }) => gate !== undefined)
  const dispose = ({ slots, step }: Room) => {
    step.dispose()
    slots.dispose()
  }
  function make(capacity: number): Room {
    const slots = createSlotCache(model.config, gated, { batchSize, capacity })
    const decode = (tokens: tf.Tensor) => [
      model.logits(model.forwardTokens(tokens as tf.Tensor1D, batchSize, { slots, compiled: true })),
    ]
    const variables = [...model.parameters.values(), ...slots.variables]
    return { slots, step: compile((tokens) => decode(tokens!), variables, { xla: false, maxShapes: 1, onFallback }) }
  }
  return {
    isFree: true,
    tell,
    has: (capacity) => made.has(capacity),
    get(capacity) {
      const room = made.get(capacity) ?? make(capacity)
      // The most recently used is the last to go.
      made.delete(capacity)
      made.set(capacity, room)
      for (const [oldest, unused] of made) {
        if (made.size <= ROOMS) break
        made.delete(oldest)
        dispose(unused)
      }
      return room
    },
    dispose() {
      for (const room of made.values()) dispose(room)
      made.clear()
    },
  }
}

const roomFor = (tokens: number) => 2 ** Math.ceil(Math.log2(Math.max(LEAST_ROOM, tokens)))

const layersOf = ({ strategy, config }: Model) =>
  Array.from({ length: config.numLayers }, (_, layer) => layerStrategy(strategy, layer))
