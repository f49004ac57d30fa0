// This package as a project has it, built, beside a TensorFlow that is made up: its command line prepares that one, not ours.
import { spawn } from 'node:child_process'
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { fakeDriver, fakePip } from './fake-cuda.js'

const here = fileURLToPath(new URL('..', import.meta.url))

export interface FakeMachine {
  /** Where nvidia-smi is, if there is one. */
  readonly programs: string
  /** The made-up `@tensorflow/tfjs-node-gpu`. */
  readonly addon: string
  /** Where TensorFlow is unpacked. */
  readonly cache: string
  /** nvidia-smi prints these lines. */
  drive(lines: string): Promise<void>
  /** Starts a file in `bin/`. */
  start(name: string, words?: readonly string[], options?: StartOptions): Promise<Ended>
}

interface StartOptions {
  /** Whether TensorFlow says that it computes on a GPU. */
  readonly gpu?: boolean
  /** In a terminal, what is typed at a question. */
  readonly answer?: string
  readonly environment?: NodeJS.ProcessEnv
}

interface Ended {
  readonly code: number | null
  /** Lines of both streams. */
  readonly lines: readonly string[]
}

export async function fakeMachine(folder: string): Promise<FakeMachine> {
  const [programs, addon, cache] = ['programs', 'node_modules/@tensorflow/tfjs-node-gpu', 'cache'].map((name) =>
    join(folder, name),
  ) as [string, string, string]
  // Copies, as Node looks for packages from where a link leads to.
  for (const name of ['bin', 'dist', 'native', 'package.json'])
    await cp(join(here, name), join(folder, name), { recursive: true })
  await mkdir(join(addon, 'binding'), { recursive: true })
  for (const name of ['@tensorflow/tfjs', 'commander', 'node-api-headers', 'pbf'])
    await symlink(join(here, 'node_modules', name), join(folder, 'node_modules', name))
  await writeFile(join(addon, 'package.json'), '{ "name": "@tensorflow/tfjs-node-gpu", "version": "4.22.0" }')
  await writeFile(join(addon, 'index.js'), TFJS_NODE)
  await writeFile(join(addon, 'binding/binding.cc'), '')
  await mkdir(programs)
  const compiler = join(folder, 'compiler')
  await writeFile(compiler, COMPILER, { mode: 0o755 })
  const inherited = Object.entries(process.env).filter(([name]) => !/^(CUDA|TF|XLA|NVIDIA|NODE)_/.test(name))
  const environment = {
    ...Object.fromEntries(inherited),
    CXX: compiler,
    PATH: `${programs}:${process.env.PATH}`,
    PYTHON: await fakePip(join(folder, 'pip')),
    XDG_CACHE_HOME: cache,
  }
  return {
    programs,
    addon,
    cache,
    drive: (lines) => fakeDriver(programs, lines),
    start: (name, words = [], { gpu = false, answer, environment: more } = {}) =>
      run([join(folder, 'bin', name), ...words], answer, { ...environment, FAKE_GPU: String(gpu), ...more }),
  }
}

function run(words: readonly string[], answer: string | undefined, env: NodeJS.ProcessEnv): Promise<Ended> {
  const child =
    answer === undefined
      ? spawn(process.execPath, words, { env })
      : spawn('python3', ['-c', TERMINAL, process.execPath, ...words], { env })
  let written = ''
  const read = (chunk: Buffer) => {
    written += chunk
    if (answer !== undefined && stripVTControlCharacters(written).endsWith('? [y/N] ')) child.stdin.write(answer)
  }
  child.stdout.on('data', read)
  child.stderr.on('data', read)
  if (answer === undefined) child.stdin.end()
  return new Promise((resolve) =>
    child.on('close', (code) =>
      resolve({
        code,
        lines: stripVTControlCharacters(written)
          .split(/[\r\n]+/)
          .filter(Boolean),
      }),
    ),
  )
}

/** Runs a command in a pseudo-terminal of its own. */
const TERMINAL = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))'

/** The binding's package, which needs TensorFlow's library and computes in JavaScript. It says which variables TensorFlow's library would find. */
const TFJS_NODE = `
require('node:fs').accessSync(__dirname + '/deps/lib/libtensorflow.so.2')
const tf = require('@tensorflow/tfjs')
const Cpu = tf.findBackend('cpu').constructor
tf.copyRegisteredKernels('cpu', 'tensorflow')
const said = { isUsingGpuDevice: process.env.FAKE_GPU === 'true', binding: { TF_Version: '2.21.0' } }
tf.registerBackend('tensorflow', () => Object.assign(new Cpu(), said))
for (const [name, value] of Object.entries(process.env)) if (/^(TF|NVIDIA)_/.test(name)) console.error(name + '=' + value)
`

/** Compiles the helpers. What needs TensorFlow's headers is an empty file, and our operations are none. */
const COMPILER = `#!/bin/sh
case "$*" in
  *--version) exit ;;
  *stderr.c*|*load.c*) exec cc "$@" ;;
  *operations.cc*) echo 'error: no headers'; exit 1 ;;
esac
while [ "$1" != -o ]; do shift; done
: > "$2"
`
