import { validate } from '@alibi/results'
import { checkLengthSchedule } from './length-schedule.js'
import { presets } from './presets.js'
import { type RunConfig, type RunOptions, runConfigSchema } from './schema.js'
import { taskReferenceOf } from './task-reference.js'

/**
 * A preset with what was asked for in its place.
 *
 * @param where - what messages begin with
 * @throws RangeError, one line, for a value that no run can have
 */
export function resolveRunConfig(options: RunOptions, where = 'run'): RunConfig {
  const name = options.preset ?? 'quick'
  if (!Object.hasOwn(presets, name))
    throw new RangeError(`${where}: expected preset ${Object.keys(presets).join(', ')}, got ${name}`)
  const asked = { ...longestOf(options.lengthSchedule), ...options }
  const config = validate(runConfigSchema, { preset: name, ...presets[name], ...asked }, where)
  const { modelDim, numHeads, stride, evalLengths, batchSize, microBatches } = config
  // Heads of a model from elsewhere may have a width of their own.
  if (!config.from && modelDim % numHeads !== 0)
    throw new RangeError(
      `${where}: expected heads that divide the model dimension ${modelDim}, got ${numHeads}; try ${[1, 2, 4, 8, 12, 16]
        .filter((heads) => modelDim % heads === 0)
        .join(', ')}`,
    )
  if (batchSize % microBatches !== 0)
    throw new RangeError(`${where}: expected micro-batches that divide the batch of ${batchSize}, got ${microBatches}`)
  if (stride !== undefined && stride > Math.min(...evalLengths))
    throw new RangeError(
      `${where}: expected a stride up to the shortest evaluation length ${Math.min(...evalLengths)}, got ${stride}; no token may be skipped`,
    )
  if (config.steps < 1 && !config.from)
    throw new RangeError(`${where}: steps: expected at least 1, got ${config.steps}`)
  checkLengthSchedule(config, where)
  checkAdaptive(config, where)
  checkEndOfLine(config, where)
  checkRandomPositions(config, where)
  checkTask(config, where)
  checkTokenizer(config, where)
  checkPack(config, where)
  return config
}

/** The train length that a length schedule implies. */
export const longestOf = (schedule: RunOptions['lengthSchedule']): RunOptions =>
  Array.isArray(schedule) && schedule.length ? { trainLength: Math.max(...schedule.map((stage) => stage?.length)) } : {}

/** What is about held-out text, or about positions in it, means nothing to trials of a task. */
function checkTask(config: RunConfig, where: string): void {
  const { data, tokenizer, protocols, stride, windowedControl, randomPositions, batches, pack } = config
  if (taskReferenceOf(data) === undefined) return
  const strange = [
    tokenizer !== 'bytes' && `tokenizer ${tokenizer}`,
    `${protocols}` !== 'nonoverlapping' && `protocols ${protocols}`,
    stride !== undefined && `stride ${stride}`,
    windowedControl && 'windowedControl',
    randomPositions !== undefined && `randomPositions ${randomPositions}`,
    batches !== 'anywhere' && `batches ${batches}`,
    pack && 'pack',
  ].find(Boolean)
  if (strange)
    throw new RangeError(
      `${where}: expected only settings that trials of a task have with ${data}, got ${strange}; tasks are read byte by byte, each trial from its start`,
    )
}

/** Packed documents are read by themselves, from their starts. */
function checkPack(config: RunConfig, where: string): void {
  const { pack, tokenizer, protocols, windowedControl, randomPositions, batches, firstToken } = config
  if (!pack) return
  const strange = [
    ['words', 'prose'].includes(tokenizer) && `tokenizer ${tokenizer}, which has no token between documents`,
    `${protocols}` !== 'nonoverlapping' && `protocols ${protocols}`,
    windowedControl && 'windowedControl',
    randomPositions !== undefined && `randomPositions ${randomPositions}`,
    batches !== 'anywhere' && `batches ${batches}`,
    firstToken !== 'none' && `first token ${firstToken}`,
  ].find(Boolean)
  if (strange)
    throw new RangeError(`${where}: expected only settings that packed documents have with pack, got ${strange}`)
}

function checkTokenizer({ tokenizer, tokenizerFile, from, firstToken, protocols }: RunConfig, where: string): void {
  if (tokenizer === 'tokens' && !from && !tokenizerFile)
    throw new RangeError(
      `${where}: expected tokenizer bytes, words, prose or a tokenizer.json, got tokens, which a model to go on from has`,
    )
  if (tokenizerFile && tokenizer !== 'tokens')
    throw new RangeError(`${where}: expected tokenizer tokens with a tokenizerFile, got ${tokenizer}`)
  if (firstToken === 'bos' && protocols.includes('streaming'))
    throw new RangeError(
      `${where}: expected protocol nonoverlapping or sliding with first token bos, which begins every window, got streaming`,
    )
}

/** What is read before a text, or before its first block, is the end of a line, which bytes do not have as a token. */
function checkEndOfLine({ firstToken, batches, batchSize, devices, tokenizer }: RunConfig, where: string): void {
  const needs = firstToken === 'none' ? batches === 'blocks' && 'batches blocks' : `first token ${firstToken}`
  if (needs && tokenizer === 'bytes')
    throw new RangeError(
      firstToken === 'bos'
        ? `${where}: expected a tokenizer.json for first token bos, got bytes, which have no such token`
        : `${where}: expected tokenizer words or prose for ${needs}, got bytes, which have no end of a line`,
    )
  if (batches === 'blocks' && batchSize % devices !== 0)
    throw new RangeError(
      `${where}: expected devices that divide the batch of ${batchSize}, got ${devices}; add --devices 1`,
    )
}

function checkAdaptive({ adaptiveCutoffs, tokenizer, architecture }: RunConfig, where: string): void {
  if (!adaptiveCutoffs) return
  if (tokenizer === 'bytes')
    throw new RangeError(
      `${where}: expected tokenizer words or prose with adaptive cutoffs, got bytes; only words have rare ones with fewer dimensions`,
    )
  if (architecture)
    throw new RangeError(
      `${where}: expected no architecture with adaptive cutoffs, got ${architecture}, which has no adaptive input`,
    )
}

function checkRandomPositions(
  { randomPositions, trainLength, evalLengths, protocols }: RunConfig,
  where: string,
): void {
  if (randomPositions === undefined) return
  const longest = Math.max(trainLength, ...evalLengths)
  if (randomPositions < longest)
    throw new RangeError(
      `${where}: expected random positions from at least the longest length ${longest}, got ${randomPositions}; tokens have different ones`,
    )
  if (protocols.includes('streaming'))
    throw new RangeError(`${where}: expected protocol nonoverlapping or sliding with random positions, got streaming`)
}
