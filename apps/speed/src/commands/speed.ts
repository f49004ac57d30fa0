import { selectBackend } from '@alibi/backend'
import { codeCommit, matmulGigaflops, versionsOf } from '@alibi/machine'
import { Command } from 'commander'
import writeFileAtomic from 'write-file-atomic'
import { parts, usual } from '../parts/parts.js'
import { type Measured, partsToKeep, type Results } from '../results.js'

export function speedCommand(): Command {
  const names = usual.map(({ name }) => name)
  const others = parts.map(({ name }) => name).filter((name) => !names.includes(name))
  return new Command('speed')
    .description('Time ours beside PyTorch, JAX, transformers and plain TensorFlow.js, part by part.')
    .option('--parts <names>', 'some of those below, by commas', (text) => text.split(','), names)
    .option('--rounds <n>', 'turns of each', Number, 5)
    .option('--python <path>', 'a Python with PyTorch, JAX and transformers', 'python3')
    .option('--out <file>', 'JSON of every time', 'speed.json')
    .option('--resume', 'keep the parts that --out has of this code, measure the others')
    .addHelpText('after', `\nParts (default: all but ${others.join(', ')}):\n${described()}`)
    .action(speed)
}

const described = () => parts.map(({ name, what }) => `  ${name.padEnd(17)} ${what}`).join('\n')

interface Options {
  readonly parts: readonly string[]
  readonly rounds: number
  readonly python: string
  readonly out: string
  readonly resume?: boolean
}

async function speed({ parts: wanted, rounds, python, out, resume }: Options): Promise<void> {
  const unknown = wanted.find((name) => !parts.some((part) => part.name === name))
  if (unknown !== undefined)
    throw new Error(`speed: expected parts from ${parts.map(({ name }) => name).join(', ')}, got ${unknown}`)
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new Error(`speed: expected rounds ≥ 1, got ${rounds}`)
  const log = (line: string) => console.error(line)
  const print = (lines: readonly string[]) => console.log(`\n${lines.join('\n')}\n`)
  const backend = await selectBackend('tensorflow')
  const machine = { device: backend.device, versions: versionsOf(backend) }
  const commit = await codeCommit()
  log(`${backend.device}, TensorFlow ${backend.version}`)
  const measured: Record<string, Measured> = resume ? { ...partsToKeep(out, machine, commit) } : {}
  for (const { name, what, run } of parts.filter(({ name }) => wanted.includes(name))) {
    if (name in measured) {
      log(`${name}: measured before, in ${measured[name]!.minutes.toFixed(1)} minutes`)
      continue
    }
    const started = performance.now()
    const ceiling = await matmulGigaflops()
    log(`${name}: ${what}; ${rounds} rounds; products of 1024² matrices reach ${ceiling.toFixed(0)} GFLOP/s`)
    const found = await run({ rounds, python, ceiling, log, print })
    const minutes = (performance.now() - started) / 60_000
    measured[name] = { commit, minutes, rounds, ceiling, ...found }
    log(`${name}: took ${minutes.toFixed(1)} minutes`)
    // After each part: what is measured is kept, whatever becomes of the next.
    const results: Results = { type: 'speed', schemaVersion: 3, ...machine, parts: measured }
    await writeFileAtomic(out, `${JSON.stringify(results, null, 2)}\n`)
  }
  log(`every time: ${out}`)
}
