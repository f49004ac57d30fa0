// Other positions for a model that was trained with its own.
import { none, type PositionStrategy } from '@alibi/core'
import {
  parseScaling,
  type ScalingReference,
  type StrategyModel,
  scaleStrategy,
  scalingFor,
  scalingNames,
  strategyInPlaceOf,
} from '@alibi/strategies'
import { type Model, parameterShapes, replaceStrategy } from '@alibi/transformer'
import type { Origin } from '../config/from.js'
import { admitStrategies, type LoadedStrategy, loadStrategies } from '../plugins/admit.js'
import type { OpenedCheckpoint } from './opened.js'

/** What `--positions` leads to: a scaling of rotary positions, or a strategy. */
export type LoadedPositions =
  | { readonly name: string; readonly scaling: ScalingReference }
  | { readonly loaded: LoadedStrategy }

/** @throws Error, one line, for what there is not, or options that it does not have */
export async function loadPositions(reference: string): Promise<LoadedPositions> {
  const scaling = parseScaling(reference)
  if (scaling) return scaling
  const [loaded] = await loadStrategies([reference]).catch((error: Error) => {
    throw isPlainName(reference)
      ? new Error(`${error.message}; scalings of rotary positions are ${scalingNames.join(', ')}`)
      : error
  })
  return { loaded: loaded! }
}

/** Whether somebody meant something that is built in. */
const isPlainName = (reference: string) => /^[\w-]+(:|$)/.test(reference)

/** Positions of a model. */
export interface Positions {
  readonly strategy: PositionStrategy
  /** See {@link OpenedCheckpoint.kind}. */
  readonly kind: string
  readonly origin: Origin
}

/** A model's own positions, and what it was trained at. */
export interface OwnPositions extends Positions {
  readonly trainLength: number
}

/**
 * Makes positions for a model, in place of its own.
 *
 * @param model - its sizes, and the train length that strategies are made for
 * @throws Error, one line, for those that it cannot have
 */
export async function placePositions(
  own: OwnPositions,
  positions: LoadedPositions,
  model: StrategyModel,
  log: (line: string) => void,
): Promise<Positions> {
  if ('scaling' in positions) {
    const { name } = positions
    // A model that was stretched before was trained on longer texts than its frequencies belong to.
    const [of, trainLength] =
      'scaling' in own.origin ? [own.origin.of, own.origin.trainLength] : [own.origin, own.trainLength]
    const scaling = scalingFor(own.strategy, positions.scaling, trainLength)
    const strategy = scaleStrategy(own.strategy, scaling, name)
    return { strategy, kind: own.kind, origin: { scaling, trainLength, of } }
  }
  const { config, registry } = await admitStrategies([positions.loaded], model, log)
  const [name] = config.strategies as [string]
  const [variant, plugin] = [config.variants?.[name], config.plugins?.[name]]
  const made = registry.make(name, { ...model, ...(variant && { variants: { [name]: variant } }) })
  const strategy = strategyInPlaceOf(own.strategy, made)
  const origin = {
    ...{ strategy: name, trainLength: model.trainLength, ...(variant && { variant }), ...(plugin && { plugin }) },
    ...(strategy !== made && { windowsOf: own.origin }),
  }
  return { strategy, kind: variant?.use ?? name, origin }
}

/**
 * A checkpoint's model with other positions.
 *
 * @throws Error, one line, for those that it cannot have: parameters of theirs must be in the checkpoint, in the same shape
 */
export async function withPositions(
  opened: OpenedCheckpoint,
  positions: LoadedPositions,
  {
    folder,
    log,
    trainLength = opened.trainLength,
  }: { readonly folder: string; readonly log: (line: string) => void; readonly trainLength?: number | undefined },
): Promise<OpenedCheckpoint> {
  const { model, strategy: trainedWith } = opened
  if (trainLength === undefined)
    throw new Error(`checkpoint: expected --train-length for other positions, got none; ${folder} does not say it`)
  const { numHeads, modelDim, headDim } = model.config
  const own = { ...opened, strategy: model.strategy, trainLength }
  const placed = await placePositions(own, positions, { numHeads, modelDim, headDim, trainLength }, log)
  const { name } = placed.strategy
  const { keep, fresh } = positionArrays(model, placed.strategy, placed.kind === opened.kind)
  const [lacking] = fresh
  if (lacking)
    throw new Error(
      `positions ${name}: expected trained parameters in ${folder}, got none for ${lacking.name} of shape [${lacking.shape}]; train with these positions first: bench train --from ${folder} --positions …`,
    )
  log(`positions ${name} in place of ${trainedWith}`)
  return { ...opened, ...placed, model: replaceStrategy(model, placed.strategy, { keep }), strategy: name, trainedWith }
}

interface NamedShape {
  readonly name: string
  readonly shape: readonly number[]
}

/**
 * The arrays of a strategy that a model has already, and those that it has not.
 *
 * @param sameKind - whether arrays of the same name mean the same
 * @throws Error, one line, for one that it has in another shape
 */
export function positionArrays(
  { config, parameters, strategy: own }: Model,
  strategy: PositionStrategy,
  sameKind: boolean,
): { readonly keep: readonly string[]; readonly fresh: readonly NamedShape[] } {
  const others = parameterShapes(config, none())
  const arrays = [...parameterShapes(config, strategy)]
    .filter(([name]) => !others.has(name))
    .map(([name, shape]) => ({ name, shape, got: sameKind ? parameters.get(name)?.shape : undefined }))
  const other = arrays.find(({ shape, got }) => got && `${got}` !== `${shape}`)
  if (other)
    throw new Error(
      `positions ${strategy.name}: expected ${other.name} of shape [${other.got}], as ${own.name} was trained with, got [${other.shape}]`,
    )
  return {
    keep: arrays.filter(({ got }) => got).map(({ name }) => name),
    fresh: arrays.filter(({ got }) => !got),
  }
}
