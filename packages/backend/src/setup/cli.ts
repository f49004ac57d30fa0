import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { describeCuda } from '../cuda/describe.js'
import { inspectCuda } from '../cuda/inspect.js'
import { oneLine } from '../loaded.js'
import { findAddon } from './addon.js'
import { askInTerminal, chooseCuda } from './choose-build.js'
import { CUDA_SIZE } from './libraries.js'
import { checkTensorflow, isForCuda, setUpTensorflow, type Working } from './setup.js'

interface Options {
  readonly check?: true
  readonly force?: true
  readonly gpu?: boolean
  readonly ifPossible?: true
  readonly tensorflowDir?: string
  readonly verbose?: true
}

const NAME = 'alibi-setup-tensorflow'

const program = new Command(NAME)
  .description(
    'Makes @tensorflow/tfjs-node-gpu work with a current TensorFlow: takes one from --tensorflow-dir, or from pip into ' +
      "the user's cache, and compiles the binding. Safe to run again.",
  )
  .option('--gpu', `take the CUDA build of TensorFlow and the CUDA libraries (${CUDA_SIZE})`)
  .option(
    '--no-gpu',
    'take the build for the processor, and ask nothing (default: the build that is prepared; ask in a terminal the first time, where there is an NVIDIA GPU)',
  )
  .option('--tensorflow-dir <folder>', "use this TensorFlow: pip's package folder or the C library's")
  .option('--check', 'only say whether it works, and what a run on a GPU would load')
  .option('--force', 'prepare again even if it works')
  .option('--if-possible', 'succeed even if it cannot be prepared: slower backends remain')
  .option('--verbose', 'show the stack trace of an error')
  .showHelpAfterError(`(${NAME} --help shows the options)`)
  .action(main)

async function main(options: Options): Promise<void> {
  const log = (line: string) => console.log(`${NAME}: ${line}`)
  try {
    const { device, version } = options.check ? await check(log) : await setUp(options, log)
    log(`TensorFlow ${version} works on ${device}`)
  } catch (error) {
    if (options.ifPossible) return log(`not prepared: ${oneLine(error)}`)
    console.error(`${NAME}: ${oneLine(error)}`)
    if (options.verbose) console.error(error)
    process.exitCode = 1
  }
}

function check(log: (line: string) => void): Promise<Working> {
  for (const line of describeCuda(inspectCuda())) log(line)
  return checkTensorflow()
}

async function setUp(options: Options, log: (line: string) => void): Promise<Working> {
  const addon = findAddon()
  const isFirst = addon && !existsSync(addon.path)
  const ask = isFirst && process.stdin.isTTY && process.stdout.isTTY ? askInTerminal : undefined
  const isChosen = options.gpu !== undefined || options.tensorflowDir !== undefined || (addon && isForCuda(addon))
  // Whoever does not want it gets what is prepared, if anything is.
  const gpu = options.gpu ?? ((!isChosen && (await chooseCuda({ ask, log }))) || undefined)
  const working = await setUpTensorflow({ ...options, gpu, log })
  const { build, problems } = inspectCuda()
  if (build) for (const problem of problems) log(problem)
  return working
}

await program.parseAsync()
