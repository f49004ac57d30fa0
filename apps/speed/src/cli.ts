// `pnpm speed` times beside peers, `pnpm speed gpu` what a GPU does; `pnpm speed table` prints what was found.
import { gpuCommand } from './commands/gpu.js'
import { speedCommand } from './commands/speed.js'
import { tableCommand } from './commands/table.js'

try {
  // Options after `gpu` are its own.
  await speedCommand().enablePositionalOptions().addCommand(gpuCommand()).addCommand(tableCommand()).parseAsync()
} catch (error) {
  const [message = ''] = String(error instanceof Error ? error.message : error).split('\n')
  console.error(message.replace(/^(?!speed: )/, 'speed: '))
  process.exitCode = 1
}
// TensorFlow's threads would keep the process alive.
process.exit()
