import { checkBoolean, checkInteger, checkOneOf, checkPositive, fail, show } from './check.js'
import { didYouMean } from './nearest.js'
import type { Initializer, ParameterSpec } from './parameter-spec.js'
import { sizeOf } from './size-of.js'
import type {
  DistanceBias,
  Embedding,
  Gate,
  LinearBias,
  PositionStrategy,
  RelativeTerms,
  Rotation,
  ScoreBias,
  ScoreRewrite,
  SinkLogit,
  Visibility,
} from './strategy.js'

// biome-ignore format: a table
const STRATEGY: readonly (keyof PositionStrategy)[] = [
  'specVersion', 'name', 'parameters', 'parameterScope', 'maxPositions', 'embedding', 'rotation', 'bias', 'gate', 'terms',
  'scores', 'visibility', 'sink', 'layers',
]
const EMBEDDING: readonly (keyof Embedding)[] = ['modelDim', 'evaluate']
// biome-ignore format: a table
const ROTATION: readonly (keyof Rotation)[] = [
  'rotaryDim', 'pairing', 'cacheable', 'relative', 'numHeads', 'angles', 'magnitudes', 'trainedAngles',
]
const GATE: readonly (keyof Gate)[] = ['numHeads', 'modelDim', 'evaluate']
const TERMS: readonly (keyof RelativeTerms)[] = [
  'numHeads',
  'headDim',
  'scale',
  'queryVectors',
  'keyVectors',
  'queryBias',
]
const REWRITE: readonly (keyof ScoreRewrite)[] = ['numHeads', 'headDim', 'weights', 'evaluate']
const VISIBILITY: readonly (keyof Visibility)[] = ['window', 'sinks']
const SINK: readonly (keyof SinkLogit)[] = ['numHeads', 'evaluate']
const LINEAR: readonly (keyof LinearBias)[] = ['kind', 'numHeads', 'slopes']
const DISTANCE_OR_PAIR: readonly (keyof DistanceBias)[] = ['kind', 'numHeads', 'evaluate']
const SPEC: readonly (keyof ParameterSpec)[] = ['shape', 'init', 'scope']
const SCOPES = ['model', 'layer']
/** The numbers of each kind of start. */
const INITIALIZERS: Readonly<Record<Initializer['kind'], readonly string[]>> = {
  constant: ['value'],
  normal: ['standardDeviation'],
  uniform: ['low', 'high'],
  values: ['values'],
}

/**
 * Checks that a value from elsewhere is a strategy that this version understands: its version, name, members, and those of
 * its parameters and hooks. Hooks are not called.
 *
 * @throws TypeError or RangeError with what to do; an unknown member with the nearest known one
 */
export function checkStrategy(where: string, value: unknown): asserts value is PositionStrategy {
  if (typeof value === 'function') fail(where, 'a strategy', `${show(value)}; call it`, TypeError)
  if (Array.isArray(value)) fail(where, 'a strategy', 'an array; pass its strategies one by one', TypeError)
  if (typeof value !== 'object' || value === null || value instanceof Promise)
    fail(where, 'a strategy', value, TypeError)
  const strategy = value as PositionStrategy
  const { specVersion, name, parameters, parameterScope, maxPositions } = strategy
  if (specVersion !== 1)
    fail(
      where,
      'a strategy of specVersion 1',
      typeof specVersion === 'number'
        ? `${specVersion}; update @alibi/core, or take a release of the strategy for this version`
        : `${specVersion}; make one with its factory, or with defineStrategy`,
      TypeError,
    )
  if (typeof name !== 'string' || !name.trim())
    fail(where, 'a strategy with a name', typeof name === 'string' ? `'${name}'` : typeof name, TypeError)
  checkMembers(where, `strategy ${name}`, value, STRATEGY)
  if (parameterScope !== undefined) checkOneOf(where, 'parameterScope', parameterScope, SCOPES)
  if (maxPositions !== undefined) checkInteger(where, 'maxPositions', maxPositions, 1)
  if (parameters !== undefined) checkParameters(where, parameters)
  checkHooks(where, strategy)
}

function checkHooks(where: string, strategy: PositionStrategy): void {
  const { embedding, rotation, bias, gate, terms, scores, visibility, sink, layers } = strategy
  if (embedding !== undefined) checkEmbedding(where, embedding)
  if (rotation !== undefined) checkRotation(where, rotation)
  if (bias !== undefined) checkBias(where, bias)
  if (gate !== undefined) checkGate(where, gate)
  if (terms !== undefined) checkTerms(where, terms)
  if (scores !== undefined) checkRewrite(where, scores)
  if (visibility !== undefined) checkVisibility(where, visibility)
  if (sink !== undefined) checkSink(where, sink)
  if (sink !== undefined && scores?.weights === 'exp')
    fail(where, 'a sink beside a softmax', "scores.weights 'exp', which divide by no sum; leave the sink out")
  if (layers !== undefined) checkLayers(where, strategy)
}

function checkMembers(where: string, what: string, value: unknown, names: readonly string[]): void {
  if (typeof value !== 'object' || value === null) fail(where, `${what} as an object`, value, TypeError)
  const unknown = Object.keys(value).find((name) => !names.includes(name))
  if (unknown !== undefined)
    fail(where, `${what} with members ${names.join(', ')}`, `${unknown}${didYouMean(unknown, names)}`, TypeError)
}

function checkFunction(where: string, name: string, value: unknown): void {
  if (typeof value !== 'function') fail(where, `a function ${name}`, value === null ? 'null' : typeof value, TypeError)
}

function checkEmbedding(where: string, embedding: Embedding): void {
  checkMembers(where, 'embedding', embedding, EMBEDDING)
  checkInteger(where, 'modelDim', embedding.modelDim, 1)
  checkFunction(where, 'embedding.evaluate', embedding.evaluate)
}

/** @throws TypeError or RangeError unless `rotation` is one */
export function checkRotation(where: string, rotation: Rotation): void {
  checkMembers(where, 'rotation', rotation, ROTATION)
  const { rotaryDim, pairing, cacheable, relative } = rotation
  checkInteger(where, 'rotaryDim', rotaryDim, 2)
  if (rotaryDim % 2) fail(where, 'an even rotaryDim', `${rotaryDim}; features turn in pairs`)
  checkOneOf(where, 'pairing', pairing, ['half', 'interleaved'])
  checkBoolean(where, 'cacheable', cacheable)
  if (relative !== undefined) checkBoolean(where, 'relative', relative)
  if (rotation.numHeads !== undefined) checkInteger(where, 'numHeads', rotation.numHeads, 1)
  checkFunction(where, 'rotation.angles', rotation.angles)
  for (const name of ['magnitudes', 'trainedAngles'] as const)
    if (rotation[name] !== undefined) checkFunction(where, `rotation.${name}`, rotation[name])
}

function checkGate(where: string, gate: Gate): void {
  checkMembers(where, 'gate', gate, GATE)
  checkInteger(where, 'numHeads', gate.numHeads, 1)
  checkInteger(where, 'modelDim', gate.modelDim, 1)
  checkFunction(where, 'gate.evaluate', gate.evaluate)
}

function checkTerms(where: string, terms: RelativeTerms): void {
  checkMembers(where, 'terms', terms, TERMS)
  checkInteger(where, 'numHeads', terms.numHeads, 1)
  checkInteger(where, 'headDim', terms.headDim, 1)
  if (terms.scale !== undefined) checkPositive(where, 'scale', terms.scale)
  const vectors = (['queryVectors', 'keyVectors', 'queryBias'] as const).filter((name) => terms[name] !== undefined)
  if (!vectors.length) fail(where, 'terms with queryVectors, keyVectors or queryBias', 'none of them', TypeError)
  for (const name of vectors) checkFunction(where, `terms.${name}`, terms[name])
}

function checkRewrite(where: string, scores: ScoreRewrite): void {
  checkMembers(where, 'scores', scores, REWRITE)
  checkInteger(where, 'numHeads', scores.numHeads, 1)
  checkInteger(where, 'headDim', scores.headDim, 1)
  if (scores.weights !== undefined) checkOneOf(where, 'scores.weights', scores.weights, ['softmax', 'exp'])
  checkFunction(where, 'scores.evaluate', scores.evaluate)
}

function checkVisibility(where: string, visibility: Visibility): void {
  checkMembers(where, 'visibility', visibility, VISIBILITY)
  const { window, sinks } = visibility
  if (window !== undefined) checkInteger(where, 'window', window, 1)
  if (sinks !== undefined) checkInteger(where, 'sinks', sinks, 0)
  if (window === undefined)
    fail(
      where,
      'visibility with a window',
      `${sinks === undefined ? 'none' : 'sinks alone'}; without a window all keys are seen already`,
    )
}

function checkSink(where: string, sink: SinkLogit): void {
  checkMembers(where, 'sink', sink, SINK)
  checkInteger(where, 'numHeads', sink.numHeads, 1)
  checkFunction(where, 'sink.evaluate', sink.evaluate)
}

const BY_LAYER = ['rotation', 'bias', 'gate', 'terms', 'scores', 'visibility', 'sink'] as const

function checkLayers(where: string, strategy: PositionStrategy): void {
  const { name, layers } = strategy
  if (!Array.isArray(layers) || !layers.length)
    fail(where, `layers of ${name} as strategies in an array`, Array.isArray(layers) ? 'none' : layers, TypeError)
  const own = BY_LAYER.find((hook) => strategy[hook] !== undefined)
  if (own) fail(where, `${own} of ${name} in its layers`, `one beside layers; put it into each of them`, TypeError)
  layers.forEach((layer: PositionStrategy, i) => {
    checkStrategy(where, layer)
    if (layer.layers) fail(where, `layer ${i} of ${name} as one strategy`, 'one with layers of its own', TypeError)
    if (layer.embedding)
      fail(
        where,
        `layer ${i} of ${name} without an embedding, which enters once`,
        `${layer.name}; compose it with byLayer(…) instead`,
        TypeError,
      )
  })
}

/** @throws TypeError or RangeError unless `bias` is one */
export function checkBias(where: string, bias: ScoreBias): void {
  if (typeof bias === 'object' && bias !== null && 'specVersion' in bias)
    fail(where, 'a bias', 'a strategy; pass its bias', TypeError)
  if (typeof bias !== 'object' || bias === null) fail(where, 'a bias', bias, TypeError)
  if (!['linear', 'distance', 'pair'].includes(bias.kind))
    fail(where, 'a bias of kind linear, distance or pair', bias.kind)
  checkMembers(where, `a ${bias.kind} bias`, bias, bias.kind === 'linear' ? LINEAR : DISTANCE_OR_PAIR)
  checkInteger(where, 'numHeads', bias.numHeads, 1)
  if (bias.kind === 'linear') checkFunction(where, 'bias.slopes', bias.slopes)
  else checkFunction(where, 'bias.evaluate', bias.evaluate)
}

/** @throws TypeError or RangeError unless each is the declaration of a parameter */
export function checkParameters(where: string, specs: Readonly<Record<string, ParameterSpec>>): void {
  if (typeof specs !== 'object' || specs === null || Array.isArray(specs))
    fail(where, 'parameters by name', specs, TypeError)
  for (const [name, spec] of Object.entries(specs)) checkParameter(where, name, spec)
}

function checkParameter(where: string, name: string, spec: ParameterSpec): void {
  if (!name.trim()) fail(where, 'a name for each parameter', `'${name}'`)
  checkMembers(where, `parameter ${name}`, spec, SPEC)
  const { shape, init, scope } = spec
  if (!Array.isArray(shape) || !shape.every((n) => Number.isInteger(n) && n >= 1))
    fail(where, `a shape of sizes ≥ 1 of parameter ${name}`, shape === undefined ? 'none' : `[${shape}]`)
  if (scope !== undefined) checkOneOf(where, `scope of parameter ${name}`, scope, SCOPES)
  const kinds = Object.keys(INITIALIZERS)
  const kind: unknown = init?.kind
  if (!kinds.includes(kind as string))
    fail(where, `init.kind of parameter ${name} as one of ${kinds}`, `${kind}${didYouMean(String(kind), kinds)}`)
  const numbers = INITIALIZERS[init.kind]
  checkMembers(where, `init of parameter ${name}`, init, ['kind', ...numbers])
  if (init.kind === 'values') checkValues(where, name, init.values, sizeOf(shape))
  else
    for (const number of numbers) {
      const value: unknown = init[number as keyof typeof init]
      if (!Number.isFinite(value)) fail(where, `a finite init.${number} of parameter ${name}`, value)
    }
}

function checkValues(where: string, name: string, values: readonly number[], size: number): void {
  if (!Array.isArray(values))
    fail(where, `init.values of parameter ${name} as a plain array`, `${show(values)}; use Array.from`, TypeError)
  if (values.length !== size) fail(where, `${size} init.values of parameter ${name}`, values.length)
  const at = values.findIndex((value) => !Number.isFinite(value))
  if (at >= 0) fail(where, `finite init.values of parameter ${name}`, `${values[at]} at ${at}`)
}
