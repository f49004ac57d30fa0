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

/** Positions that are in the place of a model's own. */
interface PlacedPositions {
  /** In results. */
  readonly name: string
  /** See {@link OpenedCheckpoint.kind}. */
  readonly kind: string
  readonly strategy: PositionStrategy
}

/**
 * Makes positions for a model.
 *
 * @param own - the strategy that it has, and its kind
 * @throws Error, one line, for those that it cannot have
 */
async function placePositions(
  own: { readonly strategy: PositionStrategy; readonly kind: string },
  positions: LoadedPositions,
  model: StrategyModel,
  log: (line: string) => void,
): Promise<PlacedPositions> {
  if ('scaling' in positions) {
    const scaling = scalingFor(own.strategy, positions.scaling, model.trainLength)
    return { ...own, name: positions.name, strategy: scaleStrategy(own.strategy, scaling, positions.name) }
  }
  const { config, registry } = await admitStrategies([positions.loaded], model, log)
  const [name] = config.strategies as [string]
  const made = registry.make(name, { ...model, ...(config.variants && { variants: config.variants }) })
  return {
    name,
    kind: config.variants?.[name]?.use ?? name,
    strategy: strategyInPlaceOf(own.strategy, made),
  }
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
  const { numHeads, modelDim } = model.config
  const own = { strategy: model.strategy, kind: opened.kind }
  const { name, kind, strategy } = await placePositions(own, positions, { numHeads, modelDim, trainLength }, log)
  const { keep, fresh } = positionArrays(model, strategy, kind === opened.kind)
  const [lacking] = fresh
  if (lacking)
    throw new Error(
      `positions ${name}: expected trained parameters in ${folder}, got none for ${lacking.name} of shape [${lacking.shape}]; train with these positions first`,
    )
  log(`positions ${name} in place of ${trainedWith}`)
  return { ...opened, model: replaceStrategy(model, strategy, { keep }), strategy: name, kind, trainedWith }
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
function positionArrays(
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
