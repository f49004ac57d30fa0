// `pnpm speed` times training steps and evaluation, `pnpm speed gpu` what a GPU does.
import { gpuCommand } from './commands/gpu.js'
import { speedCommand } from './commands/speed.js'

try {
  // Options after `gpu` are its own.
  await speedCommand().enablePositionalOptions().addCommand(gpuCommand()).parseAsync()
} catch (error) {
  const [message = ''] = String(error instanceof Error ? error.message : error).split('\n')
  console.error(message.replace(/^(?!speed: )/, 'speed: '))
  process.exitCode = 1
}
// TensorFlow's threads would keep the process alive.
process.exit()
