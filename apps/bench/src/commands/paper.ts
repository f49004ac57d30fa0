import { join } from 'node:path'
import { type Backend, type BackendName, selectBackend } from '@alibi/backend'
import { readFairseqInfo } from '@alibi/fairseq'
import { type ResolvedModelConfig, resolveConfig } from '@alibi/transformer'
import { Command, Option } from 'commander'
import writeFileAtomic from 'write-file-atomic'
import { modelConfig } from '../config/model.js'
import { resolveRunConfig } from '../config/resolve.js'
import { readFairseqWords } from '../data/tokenizer/fairseq.js'
import { makeFolder } from '../files/paths.js'
import { createBoard } from '../paper/board.js'
import { chooseCells, PART_TOKENS, type PaperCell, type Part } from '../paper/cells.js'
import { type Files, fetchCheckpoints, findFiles, readPart, trainingText, whatToFetch } from '../paper/files.js'
import { measurePace, type Pace } from '../paper/pace.js'
import { scoreCells } from '../paper/score.js'
import { openStore } from '../paper/store.js'
import { type PaperCellState, paperText, summaryLine } from '../paper/tables.js'
import { lockFolder } from '../run-folder/lock.js'
import { createProgress } from '../terminal/board.js'
import { interruptSignal } from '../terminal/interrupt.js'
import type { Progress } from '../terminal/progress.js'
import { backendOption, number } from './options.js'

export function paperCommand(): Command {
  return new Command('paper')
    .description("Fill the paper's tables with the authors' checkpoints, beside the paper's numbers.")
    .argument('<folder>', 'with alibi_wt103_L64.pt … alibi_wt103_L3072.pt, some or all of them')
    .option('--table <numbers>', 'from 2, 5, 7, 13, 14, 15 (default: all)', list)
    .option('--rows <train lengths>', 'from 64, 128, 256, 512, 1024, 1536, 2048, 3072 (default: all)', numbers)
    .addOption(
      new Option('--data <folder>', 'of WikiText-103, with wiki.valid.tokens').default(
        'wikitext-103',
        'downloaded once',
      ),
    )
    .option('--vocabulary <file>', 'a dict.txt (default: beside the checkpoints, or counted in the training text)')
    .option('--out <folder>', 'for finished cells and the tables; the same again goes on', 'runs/paper')
    .option('--download', 'fetch checkpoints that are not there, about 1 GB each')
    .option('--dry-run', 'only say how long each cell takes on this machine')
    .addOption(backendOption())
    .addHelpText(
      'after',
      `
Examples:
  pnpm bench paper checkpoints --table 5 --rows 512
  pnpm bench paper checkpoints --table 7 --dry-run`,
    )
    .action(paper)
}

const list = (text: string) => text.split(',').map((part) => part.trim())
const numbers = (text: string) => list(text).map(number)

interface Options {
  readonly table?: string[]
  readonly rows?: number[]
  readonly data: string
  readonly vocabulary?: string
  readonly out: string
  readonly download?: boolean
  readonly dryRun?: boolean
  readonly backend: BackendName | 'auto'
}

async function paper(folder: string, options: Options): Promise<void> {
  const cells = chooseCells(options.table, options.rows)
  const signal = interruptSignal()
  const progress = createProgress()
  const trainLengths = [...new Set(cells.map(({ trainLength }) => trainLength))].sort((a, b) => a - b)
  let files = await findFiles(folder, options.data, trainLengths)
  if (options.download && files.missing.length) {
    await fetchCheckpoints(folder, files, { log: progress.line, signal })
    files = await findFiles(folder, options.data, trainLengths)
  }
  const lacking = whatToFetch(folder, options.data, files)
  const backend = await selectBackend(options.backend)
  progress.line(`backend ${backend.name} on ${backend.device}`)
  if (options.dryRun) {
    const pace = await paceOf(files, cells)
    const stateOf = (cell: PaperCell): PaperCellState => ({ seconds: pace(cell, PART_TOKENS[cell.part]) })
    console.log([...paperText(cells, stateOf), ...fetchText(lacking), summaryLine(cells, stateOf)].join('\n'))
    return
  }
  if (lacking.length) console.log(fetchText(lacking).join('\n'))
  if (!files.checkpoints.size)
    throw new Error(`paper: expected checkpoints in ${folder}, got none; fetch them as listed, or add --download`)
  await fillTables(cells, files, options, { backend, progress, signal })
}

const fetchText = (lacking: readonly string[]) => (lacking.length ? ['Not here yet:', ...lacking, ''] : [])

/** The pace of a model of the checkpoints' size, or of the paper's size without a checkpoint. */
async function paceOf({ checkpoints }: Files, cells: readonly PaperCell[]): Promise<Pace> {
  const [first] = checkpoints.values()
  const config = first === undefined ? paperModel() : (await readFairseqInfo(first)).config
  return measurePace(
    config,
    cells.map(({ evalLength }) => evalLength),
  )
}

const paperModel = (): ResolvedModelConfig => {
  const config = resolveRunConfig({ preset: 'paper-wt103' })
  return resolveConfig(modelConfig(config, config.vocabularySize))
}

interface Machine {
  readonly backend: Backend
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** Scores what is not in `out` yet, and prints the tables. */
async function fillTables(
  cells: readonly PaperCell[],
  files: Files,
  { data, vocabulary, out }: Options,
  { backend, progress, signal }: Machine,
): Promise<void> {
  await makeFolder('paper', out)
  const release = await lockFolder(out)
  const read = { log: progress.line, signal }
  const texts = new Map<Part, Uint8Array>()
  for (const part of new Set(cells.map((cell) => cell.part))) texts.set(part, await readPart(data, part, read))
  const board = await createBoard(files, texts, await openStore(out))
  if (cells.some(board.isDue)) board.usePace(await paceOf(files, cells))
  progress.line(summaryLine(cells, board.stateOf))
  try {
    await scoreCells(cells, {
      checkpoints: files.checkpoints,
      wordsOf: (path, size) => readFairseqWords(path, vocabulary, size, read, trainingText(data)),
      textOf: (part) => texts.get(part)!,
      isDone: (cell) => board.stateOf(cell).ours !== undefined,
      async onDone(cell, done) {
        await board.add(cell, { ...done, backend: backend.name })
        progress.line(summaryLine(cells, board.stateOf))
      },
      progress,
      signal,
    })
  } catch (error) {
    console.error(`stopped; finished cells are kept in ${out}. The same command goes on with the others`)
    throw error
  } finally {
    progress.stop()
    release()
    const text = [...paperText(cells, board.stateOf), summaryLine(cells, board.stateOf)].join('\n')
    await writeFileAtomic(join(out, 'paper.md'), `${text}\n`)
    console.log(text)
  }
}
