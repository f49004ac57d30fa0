import { layerStrategy } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { type CompiledStep, currentCompiler, type StepCompiler } from '../compiler.js'
import type { AttentionSettings } from '../model/attention-settings.js'
import { keptGraphs } from '../model/kept-graphs.js'
import type { Model } from '../model/model.js'
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

/** Decodes one sequence as one graph. */
export interface Decoder {
  /** @returns the logits after a token, which joins the cache; [V] */
  next(token: number): Promise<Float32Array>
  /** Lets others use the graphs. */
  release(): void
}

/** A cache of one size with the graph that uses it. */
interface Room {
  readonly slots: SlotCache
  readonly step: CompiledStep
}

/** The graphs of a model by the room of their caches. One sequence at a time uses them. */
interface Rooms {
  isFree: boolean
  has(capacity: number): boolean
  get(capacity: number): Room
  dispose(): void
}

/** What decides whether a graph decodes. */
interface DecoderOptions extends AttentionSettings {
  readonly maxNewTokens: number
  readonly compile?: boolean | undefined
}

/**
 * A decoder that goes on after the tokens of a cache; undefined where decoding runs op by op: on backends that do not compile,
 * for few tokens, for attention of the caller's choice, for relative terms, and while another sequence uses the graphs.
 */
export function startDecoder(model: Model, cache: KvCache, options: DecoderOptions): Decoder | undefined {
  const { maxNewTokens, compile, attentionKernels, attentionStorage } = options
  const compiler = currentCompiler()
  if (!compiler || compile === false || attentionKernels || attentionStorage === 'float16' || !cache.pastLength)
    return undefined
  if (layersOf(model).some(({ terms }) => terms)) return undefined
  const rooms = keptGraphs(model.parameters, ['decoder', tf.getBackend()], () => createRooms(model, compiler))
  const capacity = roomFor(cache.pastLength + 1 + Math.min(maxNewTokens, ROOM_FOR_NEW))
  if (!rooms.isFree || !(compile || maxNewTokens >= WORTH || rooms.has(capacity))) return undefined
  rooms.isFree = false
  let { slots, step } = rooms.get(capacity)
  slots.fill(cache)
  return {
    async next(token) {
      if (slots.pastLength === slots.capacity) {
        step.sync()
        const larger = rooms.get(2 * slots.capacity)
        larger.slots.fill(slots)
        slots = larger.slots
        step = larger.step
      }
      const input = tf.tensor1d([token], 'int32')
      const [logits] = step(input) as [tf.Tensor]
      input.dispose()
      slots.advance(1)
      return logits.data<'float32'>().finally(() => logits.dispose())
    },
    release() {
      step.sync()
      rooms.isFree = true
    },
  }
}

function createRooms(model: Model, compile: StepCompiler): Rooms {
  const made = new Map<number, Room>()
  const gated = layersOf(model).map(({ gate }) => gate !== undefined)
  const dispose = ({ slots, step }: Room) => {
    step.dispose()
    slots.dispose()
  }
  function make(capacity: number): Room {
    const slots = createSlotCache(model.config, gated, capacity)
    const decode = (token: tf.Tensor) => [
      model.logits(model.forwardTokens(token as tf.Tensor1D, 1, { slots, compiled: true })),
    ]
    const variables = [...model.parameters.values(), ...slots.variables]
    return { slots, step: compile((token) => decode(token!), variables, { xla: false, maxShapes: 1 }) }
  }
  return {
    isFree: true,
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
