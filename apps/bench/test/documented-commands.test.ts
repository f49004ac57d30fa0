// Every command of the READMEs and of docs/ is run, at a size that takes no time: what is written stays, and after it come a
// small model, few steps and a short text, on the cpu backend. What cannot be run here is listed with the reason.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { root } from '../../../tooling/setup.mjs'
import { codeOf, documents } from '../../../tooling/test/documents.js'
import { planRuns, readPlan } from '../src/sweep/plan.js'
import { bench } from './command-line.js'

vi.mock(import('../src/terminal/interrupt.js'), async (original) => ({
  ...(await original()),
  interruptSignal: () => new AbortController().signal,
}))
// Charts are drawn in report.test.ts.
vi.mock(import('../src/report/write.js'), () => ({
  writeReport: async (folder) => ({ html: join(folder, 'report.html') }),
}))

const commands = [
  ...new Set(
    documents
      .flatMap((path) => codeOf(path, 'sh').flatMap(({ code }) => code.replaceAll(/ *\\\n */g, ' ').split('\n')))
      .map((line) => line.replace(/ +#.*/, '').trim())
      .filter((line) => line !== ''),
  ),
]

const HOURS = 'takes hours: its plan and its options are read'
const AUTHORS =
  'the authors’ checkpoints of 1 GB: fairseq.test.ts reads small ones, readmes.test.ts looks its options up'
const AUTHORS_ON = 'the authors’ checkpoints of 1 GB: continue.test.ts trains a small one on and exports it'
const PAPER = 'the authors’ checkpoints of 1 GB each: paper.test.ts runs it with small ones'
const MACHINES = 'needs machines with addresses: documented-machines.test.ts runs it as it is written'
const SLURM = 'needs Slurm: cluster.test.ts reads what it sets'
const SCALE = 'minutes, or what is built: scale.test.ts makes the tables again from what is kept'
const notRun: Readonly<Record<string, string>> = {
  'redis-server --appendonly yes --bind 10.0.0.1 --protected-mode no': MACHINES,
  'pnpm bench worker --queue redis://10.0.0.1:6379 --store /shared/bench': MACHINES,
  'pnpm bench queue --queue redis://10.0.0.1:6379': MACHINES,
  'pnpm bench watch --queue redis://10.0.0.1:6379': MACHINES,
  'pnpm bench run --strategies alibi,rotary --replicas 2': MACHINES,
  'pnpm bench run --strategies alibi --cluster 10.0.0.1:4711,10.0.0.2:4711 --replica 0': MACHINES,
  'srun --ntasks 4 pnpm bench run --strategies alibi --cluster slurm': SLURM,
  'pnpm bench run --preset paper-1.3b --dry-run --cluster a:1,b:1,c:1,d:1':
    'its 128 devices do not divide a small batch: estimate.test.ts runs it, and one with a cluster',
  'pnpm build && node tooling/device-tables.mjs': SCALE,
  'node tooling/queue-simulation.mjs': SCALE,
  'QUEUE_COSTS=docs/results/queue-costs.json npx vitest run apps/bench/test/queue-costs.test.ts': SCALE,
  'npm start': 'installs and trains for minutes: its steps are those of npm test and of `pnpm bench run`',
  'pnpm playground': 'a server: the playground’s tests start it',
  'pnpm site': 'a server: the site’s tests build it',
  'npm create @alibi/strategy log-bias': 'needs the registry: create-strategy’s tests run its command',
  'npm create @alibi/strategy my-bias': 'needs the registry: create-strategy’s tests run its command',
  'cd log-bias && npm install && npm test': 'needs the registry: create-strategy’s tests do it in this workspace',
  'pnpm create-strategy my-bias': 'writes a package here: create-strategy’s tests do it elsewhere',
  'pnpm bench eval alibi_wt103_L512.pt --data wiki.valid.tokens --whole --eval-lengths 512,1024,1536,2048,3072':
    AUTHORS,
  'pnpm bench eval alibi_wt103_L3072.pt --data wiki.valid.tokens --whole --eval-lengths 3072 --protocol sliding --stride 512 --windows fairseq':
    AUTHORS,
  'pnpm bench eval alibi_wt103_L512.pt --data wiki.valid.tokens --whole --eval-lengths 512,1024 --protocol sliding --stride 1':
    AUTHORS,
  'pnpm bench train --from alibi_wt103_L512.pt --data my-text/': AUTHORS_ON,
  'pnpm bench train --from alibi_wt103_L512.pt --data my-text/ --train-length 1024 --steps 2000': AUTHORS_ON,
  'pnpm bench export runs/…/checkpoints/alibi-seed1 --to fairseq': AUTHORS_ON,
  'pnpm bench paper ./checkpoints --table 5 --rows 512': PAPER,
  'pnpm bench paper checkpoints --table 5 --rows 512': PAPER,
  'pnpm bench paper checkpoints --table 7': PAPER,
  'pnpm bench paper checkpoints --dry-run': PAPER,
  'pnpm bench paper checkpoints --download': PAPER,
  'pnpm bench train --preset paper-wt103 --data words.txt --train-length 64 --batch-size 1 --micro-batches 1 --devices 1 --steps 20':
    'needs 20 GB of memory: first-loss.test.ts trains its recipe at a small size',
}

/** Commands that are run as they are written, as processes. */
const asWritten: Readonly<Record<string, readonly string[]>> = {
  'npx alibi-setup-tensorflow': ['packages/backend/bin/alibi-setup-tensorflow.js', '--help'],
  'pnpm speed': ['tooling/app.mjs', 'speed', '--help'],
  'pnpm speed --parts families --rounds 7': ['tooling/app.mjs', 'speed', '--parts', 'families', '--help'],
  'pnpm bench doctor': ['tooling/app.mjs', 'bench', 'doctor'],
}

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'alibi-documented-')))
const before = process.cwd()
vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'))
const lines = Array.from({ length: 200 }, (_, i) => `${i % 5} is ${i % 7}\n`).join('')
const small =
  '--num-layers 1 --model-dim 8 --num-heads 2 --batch-size 1 --micro-batches 1 --train-length 8 --steps 1 --backend cpu'
const words = '--data text.txt --tokenizer words --vocabulary-size 16'
const short = '--eval-lengths 8,16 --eval-tokens 16 --stride 4'
const run = (...more: readonly string[]) => bench(...more.flatMap((each) => each.split(' ')))

beforeAll(async () => {
  process.chdir(folder)
  for (const name of ['text.txt', 'my-text.txt']) writeFileSync(name, lines)
  const records = lines.split('\n').map((text) => JSON.stringify({ text }))
  writeFileSync('articles.jsonl', records.join('\n'))
  writeFileSync('articles.jsonl.gz', gzipSync(records.join('\n')))
  cpSync(join(root, 'apps/bench/test/golden/parquet/snappy.parquet'), 'articles.parquet')
  cpSync(join(root, 'apps/bench/test/golden/byte-pairs/tokenizer.json'), 'tokenizer.json')
  cpSync(join(root, 'docs/examples/strategies/log-bias.ts'), 'mine.ts')
  cpSync(join(root, 'docs/examples/tasks/brackets.ts'), 'brackets.ts')
  for (const name of ['log-bias.ts', 'learned-log-bias.ts', 'relative-log-bias.ts'])
    cpSync(join(root, 'docs/examples/strategies', name), name)
  cpSync(join(root, 'docs/examples'), 'docs/examples', { recursive: true })
  const made = `run --strategies alibi,none ${small} ${words} ${short}`
  for (const out of ['runs/one', 'runs/two']) expect(await run(made, '--out', out)).toMatchObject({ code: 0 })
  // Of transformers' families, as their folders are.
  for (const [family, strategy] of [
    ['bloom', 'alibi'],
    ['gpt_neox', 'rotary'],
  ] as const) {
    expect(
      await run(`train --strategy ${strategy} --architecture ${family} ${small} ${words} --out runs/${family}`),
    ).toMatchObject({ code: 0 })
    const checkpoint = `runs/${family}/checkpoints/${strategy}-seed1`
    expect(await run(`export ${checkpoint} --to ${family} --out made-${family}`)).toMatchObject({ code: 0 })
  }
}, 120_000)
afterAll(async () => {
  process.chdir(before)
  await rm(folder, { recursive: true })
})

it.for(commands)('`%s`', { timeout: 120_000 }, async (line, { skip }) => {
  if (Object.hasOwn(notRun, line)) return skip(notRun[line])
  if (line.startsWith('cd ')) return expect(line).toBe('cd docs/examples/strategies')
  if (Object.hasOwn(asWritten, line)) {
    const { status, stderr } = spawnSync(process.execPath, [...asWritten[line]!], { cwd: root, encoding: 'utf8' })
    expect(status, stderr).toBe(0)
    return
  }
  const [, rest = ''] = /^pnpm (?:-w )?bench (.*)$/.exec(line) ?? []
  const [verb = ''] = rest.split(' ')
  if (verb === 'sweep') {
    const { plan, data } = /sweep (?<plan>\S+)(?: .*--data (?<data>\S+))?/.exec(rest)!.groups!
    expect(planRuns(await readPlan(join(root, plan!)), '.', { data }).length, HOURS).toBeGreaterThan(0)
    return
  }
  // A server ends when it is told to: watch.test.ts. A conversation needs somebody who types: ask.test.ts.
  const asked = verb === 'watch' || verb === 'ask' ? `${verb} --help` : rest
  const given = wordsOf(asked)
  const { code, stderr } = await bench(...given, ...smaller(verb, given))
  expect(stderr.filter((text) => text.startsWith('bench: '))).toEqual([])
  expect(code).toBe(0)
})

/** As a shell has them, with folders that are here. */
function wordsOf(text: string): string[] {
  const replaced = text
    .replace('runs/…/checkpoints/alibi-seed1 --to bloom', 'runs/bloom/checkpoints/alibi-seed1 --to bloom')
    .replace('runs/…', 'runs/one')
    .replace('./bloom-560m', 'made-bloom')
    .replace('./pythia-160m', 'made-gpt_neox')
  return [...replaced.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!)
}

let count = 0
/** Options that make a command small. */
function smaller(verb: string, given: readonly string[]): string[] {
  count += 1
  const out = ['--out', given.includes('--resume') ? 'runs/one' : `out-${count}`]
  const cutoffs = given.includes('paper-small') ? ['--adaptive-cutoffs', '4', '--first-token', 'eos'] : []
  const isOwn = given.includes('--pack') || given.includes('./tokenizer.json')
  const text = given.includes('passkey')
    ? ['--train-length', '32', '--eval-lengths', '32']
    : isOwn
      ? []
      : words.split(' ')
  if (given.includes('--help') || verb === 'report' || verb === 'compare') return []
  if (verb === 'inspect' || verb === 'models') return []
  if (verb === 'tokenizer') return ['--vocabulary-size', '260', '--out', `made-${count}.json`]
  if (verb === 'export') return given.includes('--out') ? [] : out
  if (verb === 'generate') return ['--max-new-tokens', '2', '--backend', 'cpu']
  if (verb === 'eval' && given.includes('--tasks'))
    return ['--trials', '1', '--eval-lengths', '700', '--backend', 'cpu', ...(given.includes('--out') ? out : [])]
  if (verb === 'eval')
    return [
      '--data',
      'text.txt',
      '--eval-lengths',
      '8',
      '--eval-tokens',
      '16',
      '--stride',
      '4',
      '--backend',
      'cpu',
    ].filter((_, i) => given.includes('sliding') || (i !== 6 && i !== 7))
  if (given.includes('--resume')) return out
  if (given.some((word) => word.startsWith('task:')))
    return [...small.split(' '), '--train-length', '16', '--eval-lengths', '16,24', ...out]
  const stages = given.includes('--length-schedule') ? ['--length-schedule', '4:0.5,8:0.5', '--steps', '2'] : []
  if (given.includes('--from'))
    return ['--data', 'text.txt', '--train-length', '8', '--steps', '1', '--backend', 'cpu', ...out]
  if (verb === 'train') return [...small.split(' '), ...text, ...stages, ...out]
  return [...small.split(' '), ...short.split(' '), '--seeds', '1', ...text, ...cutoffs, ...out]
}

it('what is not run is still in the documents', () => {
  const unknown = [...Object.keys(notRun), ...Object.keys(asWritten)].filter((line) => !commands.includes(line))
  expect(unknown).toEqual([])
})
