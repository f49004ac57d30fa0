import { createInterface } from 'node:readline/promises'
import { type Driver, findDriver } from '../cuda/driver.js'
import { gpuProblem, unsupported, WHEEL_CAPABILITIES } from '../cuda/supported.js'
import { oneLine } from '../loaded.js'
import { CPU_SIZE, CUDA_SIZE } from './libraries.js'

/** How a person is asked and informed. */
export interface ChooseOptions {
  /** Asks a question; undefined where nobody can answer, or nothing is left to choose. */
  readonly ask: ((question: string) => Promise<string>) | undefined
  readonly log: (line: string) => void
}

/**
 * Whether to prepare TensorFlow's CUDA build where no option says so. A person with an NVIDIA GPU that it supports is asked;
 * where nobody can be asked, a line says how to get it.
 */
export async function chooseCuda({ ask, log }: ChooseOptions): Promise<boolean> {
  let driver: Driver | undefined
  try {
    driver = findDriver()
  } catch (error) {
    log(`${oneLine(error)}: TensorFlow is prepared for the processor`)
    return false
  }
  if (!driver || process.platform !== 'linux' || process.arch !== 'x64') return false
  const problem = unsupported(driver)
  if (problem) {
    log(`${problem}: TensorFlow is prepared for the processor`)
    return false
  }
  const { name } = driver.gpus.find((gpu) => !gpuProblem(gpu, WHEEL_CAPABILITIES))!
  if (ask) {
    const answer = await ask(
      `${name} is here. Prepare TensorFlow for it (${CUDA_SIZE}) instead of for the processor (${CPU_SIZE})? [y/N] `,
    )
    return /^y(es)?$/i.test(answer.trim())
  }
  log(`${name} is here; TensorFlow computes on it after \`npx alibi-setup-tensorflow --gpu\` (${CUDA_SIZE})`)
  return false
}

/** In this terminal; no answer at its end. Ctrl-C ends the process as ever. */
export async function askInTerminal(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  lines.on('SIGINT', () => process.exit(130))
  try {
    const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
    return await Promise.race([lines.question(question), closed])
  } finally {
    lines.close()
  }
}
