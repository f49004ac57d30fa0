import { Command } from 'commander'
import { compareCommand } from './commands/compare.js'
import { doctorCommand } from './commands/doctor.js'
import { evalCommand } from './commands/eval.js'
import { exportCommand } from './commands/export.js'
import { generateCommand } from './commands/generate.js'
import { gpuCommand } from './commands/gpu.js'
import { reportCommand } from './commands/report.js'
import { runCommand } from './commands/run.js'
import { speedCommand } from './commands/speed.js'
import { sweepCommand } from './commands/sweep.js'
import { trainCommand } from './commands/train.js'
import { watchCommand } from './commands/watch.js'
import { Interrupted } from './terminal/interrupt.js'

const commands = [
  ...[runCommand, sweepCommand, watchCommand, trainCommand, evalCommand, generateCommand],
  ...[reportCommand, compareCommand, exportCommand, speedCommand, gpuCommand, doctorCommand],
]

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
for (const make of commands) program.addCommand(make())
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
