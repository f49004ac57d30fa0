import { commandLine } from './commands/command-line.js'

// A terminal that was closed takes no more words, and a pipe's reader may be gone: the work is saved all the same.
process.stderr.on('error', () => {})
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
})

const code = await commandLine(process.argv.slice(2))
// TensorFlow's threads would keep the process alive. A command that stopped in part has set an exit code itself.
process.exit(code || process.exitCode)
