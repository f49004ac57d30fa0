import { Command } from 'commander'
import { Interrupted } from './terminal/interrupt.js'

/** What each verb does, in a few words, and where it is: only the one that is asked for is loaded. */
const verbs: Readonly<Record<string, { readonly summary: string; readonly load: () => Promise<Command> }>> = {
  run: {
    summary: 'train every strategy short, evaluate it long, write a report',
    load: async () => (await import('./commands/run.js')).runCommand(),
  },
  sweep: {
    summary: 'the same for every cell of a plan, each in a process of its own',
    load: async () => (await import('./commands/sweep.js')).sweepCommand(),
  },
  watch: {
    summary: 'a page with live curves of a run or a sweep',
    load: async () => (await import('./commands/watch.js')).watchCommand(),
  },
  train: {
    summary: 'train one model and keep its checkpoint',
    load: async () => (await import('./commands/train.js')).trainCommand(),
  },
  eval: {
    summary: 'evaluate a checkpoint on held-out text',
    load: async () => (await import('./commands/eval.js')).evalCommand(),
  },
  generate: {
    summary: 'continue a prompt with a checkpoint',
    load: async () => (await import('./commands/generate.js')).generateCommand(),
  },
  report: {
    summary: 'write the report of a folder of results again',
    load: async () => (await import('./commands/report.js')).reportCommand(),
  },
  compare: {
    summary: 'the differences of two runs or sweeps',
    load: async () => (await import('./commands/compare.js')).compareCommand(),
  },
  export: {
    summary: 'write a checkpoint as Hugging Face transformers reads it',
    load: async () => (await import('./commands/export.js')).exportCommand(),
  },
  doctor: {
    summary: 'what this machine can do, and what would make it faster',
    load: async () => (await import('./commands/doctor.js')).doctorCommand(),
  },
}

/** An error in one line, with what to do. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return 'the disk is full; free some space and go on'
  return error.message.split('\n')[0]!
}

/** Commander's messages as ours are. */
const inOurWords = (text: string) =>
  text
    .replace(/^error: option '.*?(--[\w-]+).*?' argument '(.*)' is invalid\. (.*?)\.?$/m, 'error: $1: $3, got $2')
    .replace(/Allowed choices are (.*?), got /, 'expected one of $1, got ')
    .replace(/^error: /, 'bench: ')

const program = new Command('bench')
  .description('Train short, test long: compare position encodings on one transformer.')
  .option('--verbose', 'show the stack trace of an error')
const [asked] = process.argv.slice(2).filter((word) => !word.startsWith('-') && word !== 'help')
for (const [name, { summary, load }] of Object.entries(verbs))
  program.addCommand((name === asked ? await load() : new Command(name)).summary(summary))
for (const command of [program, ...program.commands])
  command
    .showHelpAfterError('(add --help for the options)')
    .configureOutput({ outputError: (text, write) => write(inOurWords(text)) })

// A terminal that was closed takes no more words, and a pipe's reader may be gone: the work is saved all the same.
process.stderr.on('error', () => {})
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
})

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof Interrupted) process.exitCode = error.exitCode
  else {
    console.error(`bench: ${describe(error)}`)
    if (program.opts().verbose) console.error(error)
    process.exitCode = 1
  }
}
// TensorFlow's threads would keep the process alive.
process.exit()
