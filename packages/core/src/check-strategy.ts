import { checkBoolean, checkInteger, checkOneOf, fail, show } from './check.js'
import { didYouMean } from './nearest.js'
import type { Initializer, ParameterSpec } from './parameter-spec.js'
import { sizeOf } from './size-of.js'
import type { DistanceBias, Embedding, LinearBias, PositionStrategy, Rotation, ScoreBias } from './strategy.js'

// biome-ignore format: a table
const STRATEGY: readonly (keyof PositionStrategy)[] = [
  'specVersion', 'name', 'parameters', 'parameterScope', 'maxPositions', 'embedding', 'rotation', 'bias',
]
const EMBEDDING: readonly (keyof Embedding)[] = ['modelDim', 'evaluate']
// biome-ignore format: a table
const ROTATION: readonly (keyof Rotation)[] = [
  'rotaryDim', 'pairing', 'cacheable', 'relative', 'angles', 'magnitudes',
]
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
  const { specVersion, name, parameters, parameterScope, maxPositions, embedding, rotation, bias } =
    value as PositionStrategy
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
  if (embedding !== undefined) checkEmbedding(where, embedding)
  if (rotation !== undefined) checkRotation(where, rotation)
  if (bias !== undefined) checkBias(where, bias)
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
  checkFunction(where, 'rotation.angles', rotation.angles)
  if (rotation.magnitudes !== undefined) checkFunction(where, 'rotation.magnitudes', rotation.magnitudes)
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
