import { Command } from 'commander'
import { oneLine } from '../loaded.js'
import { checkTensorflow, setUpTensorflow } from './setup.js'

interface Options {
  readonly check?: true
  readonly force?: true
  readonly gpu?: true
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
  .option('--gpu', 'take the CUDA build of TensorFlow and the CUDA libraries (about 4 GB)')
  .option('--tensorflow-dir <folder>', "use this TensorFlow: pip's package folder or the C library's")
  .option('--check', 'only say whether it works')
  .option('--force', 'prepare again even if it works')
  .option('--if-possible', 'succeed even if it cannot be prepared: slower backends remain')
  .option('--verbose', 'show the stack trace of an error')
  .showHelpAfterError(`(${NAME} --help shows the options)`)
  .action(main)

async function main(options: Options): Promise<void> {
  const log = (line: string) => console.log(`${NAME}: ${line}`)
  try {
    const { device, version } = options.check ? await checkTensorflow() : await setUpTensorflow({ ...options, log })
    log(`TensorFlow ${version} works on ${device}`)
  } catch (error) {
    if (options.ifPossible) return log(`not prepared: ${oneLine(error)}`)
    console.error(`${NAME}: ${oneLine(error)}`)
    if (options.verbose) console.error(error)
    process.exitCode = 1
  }
}

await program.parseAsync()
