// Letters: B batch, L tokens, N = B·L, D modelDim, H heads.
import { type Gate, layerStrategy, type ParameterValues, type PositionStrategy } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import type { ResolvedModelConfig } from '../config.js'
import type { PackedRotation } from '../kernels/attention/kernel.js'
import type { Kernels } from '../kernels/kernels.js'
import { shaped } from '../shaped.js'
import type { LayerAttention } from './attend.js'
import { biasForm } from './attention-bias.js'
import { evaluateAt } from './hooks.js'
import { type Places, queriesOf } from './places.js'
import { embeddingParametersOf, positionParametersOf, sharesParameters } from './position-parameters.js'
import { cachesRotated, type LayerRotation, packedRotation, rotationOnDevice } from './rotation.js'
import { type ScoreInputs, scoreInputs } from './score-inputs.js'
import { tfOps } from './tf-ops.js'

/** The kernels of a pass, which decide what of a strategy's hooks goes to the device. */
interface Needed {
  readonly layers: readonly LayerAttention[]
  readonly kernels: Kernels
}

/** A layer's hooks in one forward pass. */
interface LayerPositions {
  /** Whether a cache holds keys after rotation (true) or before it. */
  readonly cacheRotated: boolean
  rotation(): LayerRotation
  /**
   * The rotation for kernels that turn queries and keys themselves; undefined for other kernels or without a rotation.
   */
  readonly packedRotation: PackedRotation | undefined
  /** The bias, the terms, the rewrite of scores and the sink. */
  scoreInputs(): ScoreInputs
  /**
   * @param x - the vectors from which the layer projects queries and keys; [N, D]
   * @returns ln of the share that each token lets pass; [N, H]; undefined without a gate
   */
  gates(x: tf.Tensor2D): tf.Tensor2D | undefined
}

/** A strategy's hooks evaluated for one forward pass. */
export interface PositionEncoding {
  /** Adds the position embedding; x and the result are [B, L, D]. */
  embed(x: tf.Tensor3D): tf.Tensor3D
  layer(layer: number): LayerPositions
}

/** Evaluates a strategy's hooks for one forward pass. Layers that can share tables do. Call within tf.tidy. */
export function encodePositions(
  strategy: PositionStrategy,
  parameters: ReadonlyMap<string, tf.Variable>,
  config: ResolvedModelConfig,
  places: Places,
  { layers, kernels }: Needed,
): PositionEncoding {
  const { headDim } = config
  const parts = new Map<PositionStrategy, (layer: number) => LayerPositions>()

  /** Makes what layers share before the first block runs: a block's tidy frees whatever the block makes. */
  function layersOf(part: PositionStrategy, first: number): (layer: number) => LayerPositions {
    const of = (layer: number) => positionParametersOf(strategy, parameters, layer)
    const makeRotation = (layer: number) => rotationOnDevice(part, of(layer), headDim, places, kernels)
    const form = biasForm(part, places, config.causal)
    const makeInputs = (layer: number) => scoreInputs(part, form, of(layer), places, config.causal)
    const users = layers.filter((_, layer) => layerStrategy(strategy, layer) === part)
    const isShared = sharesParameters(part)
    const someSplit = users.some(({ projected }) => !projected)
    const rotation = someSplit && (isShared || !part.rotation?.trainedAngles) ? makeRotation(first) : undefined
    const inputs = isShared ? makeInputs(first) : undefined
    const packed = users.some(({ projected }) => projected) ? packedRotation(part, headDim, places) : undefined
    return (layer) => ({
      cacheRotated: cachesRotated(part),
      rotation: () => rotation ?? makeRotation(layer),
      packedRotation: packed,
      scoreInputs: () => inputs ?? makeInputs(layer),
      gates: (x) => part.gate && gatesOf(part.name, part.gate, of(layer), x),
    })
  }
  for (let layer = 0; layer < config.numLayers; layer++) {
    const part = layerStrategy(strategy, layer)
    if (!parts.has(part)) parts.set(part, layersOf(part, layer))
  }
  return {
    embed: (x) => embedded(strategy, parameters, places, x),
    layer: (layer) => parts.get(layerStrategy(strategy, layer))!(layer),
  }
}

function gatesOf(name: string, gate: Gate, parameters: ParameterValues<tf.Tensor>, x: tf.Tensor2D): tf.Tensor2D {
  const made = gate.evaluate<tf.Tensor>(tfOps, parameters, x)
  return shaped('forward', `gates of ${name}`, made, [x.shape[0], gate.numHeads])
}

function embedded(
  strategy: PositionStrategy,
  parameters: ReadonlyMap<string, tf.Variable>,
  places: Places,
  x: tf.Tensor3D,
): tf.Tensor3D {
  const { embedding } = strategy
  if (!embedding) return x
  const [, L, D] = x.shape
  const own = embeddingParametersOf(strategy, parameters)
  const rows = places.rows?.length ?? 1
  const values = evaluateAt(places, (ops, at) => {
    const each = (at.rows ?? [at.keys]).map((positions) => queriesOf(positions, at))
    return embedding.evaluate<tf.Tensor>(ops, own, Int32Array.from(each.flatMap((positions) => [...positions])))
  })
  const rowsOfAll = shaped('forward', `embedding of ${strategy.name}`, values, [rows * L, D])
  return tf.add(x, tf.reshape(rowsOfAll, [rows, L, D]))
}
