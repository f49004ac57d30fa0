import { Command, CommanderError } from 'commander'
import { refusalText } from '../files/errno.js'
import { Interrupted } from '../terminal/interrupt.js'

/** What each verb does, in a few words, and where it is: only the one that is asked for is loaded. */
const verbs: Readonly<Record<string, { readonly summary: string; readonly load: () => Promise<Command> }>> = {
  run: {
    summary: 'train every strategy short, evaluate it long, write a report',
    load: async () => (await import('./run.js')).runCommand(),
  },
  sweep: {
    summary: 'the same for every cell of a plan, each in a process of its own',
    load: async () => (await import('./sweep.js')).sweepCommand(),
  },
  worker: {
    summary: "do cells of other machines' sweeps, from a queue",
    load: async () => (await import('./worker.js')).workerCommand(),
  },
  queue: {
    summary: 'what is in a queue: show, pause, resume, cancel, order',
    load: async () => (await import('./queue.js')).queueCommand(),
  },
  watch: {
    summary: 'a page with live curves of a run or a sweep',
    load: async () => (await import('./watch.js')).watchCommand(),
  },
  train: {
    summary: 'train one model and keep its checkpoint',
    load: async () => (await import('./train.js')).trainCommand(),
  },
  eval: {
    summary: 'evaluate a checkpoint on held-out text',
    load: async () => (await import('./eval.js')).evalCommand(),
  },
  tokenizer: {
    summary: 'make a vocabulary of byte pairs from a text',
    load: async () => (await import('./tokenizer.js')).tokenizerCommand(),
  },
  generate: {
    summary: 'continue a prompt with a checkpoint',
    load: async () => (await import('./generate.js')).generateCommand(),
  },
  models: {
    summary: 'the families of models that are read, and what is refused of them',
    load: async () => (await import('./models.js')).modelsCommand(),
  },
  inspect: {
    summary: 'what a model is, before it is loaded: positions, sizes, memory',
    load: async () => (await import('./inspect.js')).inspectCommand(),
  },
  ask: {
    summary: 'talk with a checkpoint in the terminal, or through a pipe',
    load: async () => (await import('./ask.js')).askCommand(),
  },
  paper: {
    summary: "fill the paper's tables with the authors' own checkpoints",
    load: async () => (await import('./paper.js')).paperCommand(),
  },
  report: {
    summary: 'write the report of a folder of results again',
    load: async () => (await import('./report.js')).reportCommand(),
  },
  compare: {
    summary: 'the differences of two runs or sweeps',
    load: async () => (await import('./compare.js')).compareCommand(),
  },
  export: {
    summary: 'write a checkpoint as Hugging Face transformers reads it',
    load: async () => (await import('./export.js')).exportCommand(),
  },
  doctor: {
    summary: 'what this machine can do, and what would make it faster',
    load: async () => (await import('./doctor.js')).doctorCommand(),
  },
}

/** An error in one line, with what to do. */
const describe = (error: unknown): string =>
  (refusalText(error) ?? (error instanceof Error ? error.message : String(error))).split('\n')[0]!

/** Commander's messages as ours are: one line, what was expected first. */
const inOurWords = (text: string) =>
  text
    .trim()
    .replace(/^error: option '.*?(--[\w-]+).*?' argument '(.*)' is invalid\. (.*?)\.?$/ms, 'error: $1: $3, got $2')
    .replace(/Allowed choices are (.*?), got /, 'expected one of $1, got ')
    .replace(/^error: required option '(.*)' not specified/, 'error: expected $1, got none')
    .replace(/^error: option '(.*)' argument missing/, 'error: expected $1, got no value')
    .replace(/, got $/, ', got nothing')
    .replace(/^error: /, 'bench: ')
    .replaceAll(/\s*\n\s*/g, ' ')

/** All commands; only the one that is asked for is loaded. */
async function programFor(words: readonly string[]): Promise<Command> {
  const program = new Command('bench')
    .description('Train short, test long: compare position encodings on one transformer.')
    .option('--verbose', 'show the stack trace of an error')
  const [asked] = words.filter((word) => !word.startsWith('-') && word !== 'help')
  for (const [name, { summary, load }] of Object.entries(verbs))
    program.addCommand((name === asked ? await load() : new Command(name)).summary(summary))
  for (const command of [program, ...program.commands])
    command.exitOverride().configureOutput({
      outputError: (text, write) => write(`${inOurWords(text)}; --help lists the options\n`),
    })
  return program
}

/**
 * Does what a command line asks for. An error is one line on stderr.
 *
 * @param words - without the program's name
 * @returns the exit code
 */
export async function commandLine(words: readonly string[]): Promise<number> {
  const program = await programFor(words)
  try {
    await program.parseAsync(words, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError || error instanceof Interrupted) return error.exitCode
    console.error(`bench: ${describe(error)}`)
    if (program.opts().verbose) console.error(error)
    return 1
  }
}
