// Models read with other positions than those that they were trained with.
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { type Case, folderOf, temporary } from '../../../packages/huggingface/test/folders.js'
import { byteTokenizer } from '../src/data/tokenizer/tokenizer.js'
import { copyOf } from './checkpoint-folders.js'
import { bench } from './command-line.js'

vi.mock(import('../src/terminal/interrupt.js'), async (original) => ({
  ...(await original()),
  interruptSignal: () => new AbortController().signal,
}))

interface Golden {
  readonly versions: { readonly transformers: string }
  readonly ids: number[]
  /** A folder's losses by scaling, then by length. */
  readonly families: Record<string, Omit<Case, 'logits'> & { losses: Record<string, Record<string, number>> }>
}
const path = fileURLToPath(new URL('golden/positions.json', import.meta.url))
const golden: Golden = JSON.parse(await readFile(path, 'utf8'))

let text: string
beforeAll(async () => {
  text = join(temporary, 'text.txt')
  await writeFile(text, Buffer.from(golden.ids))
})

async function folderFor(family: string): Promise<string> {
  const folder = await folderOf(golden.families[family]!)
  await writeFile(join(folder, 'tokenizer.json'), byteTokenizer.files()['tokenizer.json']!)
  return folder
}

const evaluate = async (folder: string, ...options: readonly string[]) => {
  const { stdout, stderr, code } = await bench(
    'eval',
    folder,
    '--data',
    text,
    '--whole',
    '--backend',
    'cpu',
    ...options,
  )
  return { lines: stdout.map((line) => JSON.parse(line)), stderr: stderr.join('\n'), code }
}

describe.each(Object.keys(golden.families))(`%s, as transformers ${golden.versions.transformers}`, (family) => {
  const { losses } = golden.families[family]!
  let folder: string
  beforeAll(async () => {
    folder = await folderFor(family)
  })

  it.each(Object.keys(losses))('has its perplexities with positions %j', async (positions) => {
    const options = positions ? ['--positions', positions] : []
    const { lines } = await evaluate(folder, ...options, '--eval-lengths', '32,128')
    expect(lines.map(({ evalLength }) => evalLength)).toEqual([32, 128])
    for (const { evalLength, lossNats, trainedWith } of lines) {
      expect(Math.abs(lossNats - losses[positions]![evalLength]!)).toBeLessThan(1e-5)
      expect(trainedWith).toEqual(positions ? expect.stringContaining('rotary') : undefined)
    }
  })

  it('differs by its scaling', () => {
    const long = Object.entries(losses).map(([name, byLength]) => [name, byLength['128']!.toFixed(4)] as const)
    expect(new Set(long.map(([, loss]) => loss)).size).toBe(long.length)
  })
})

describe('any strategy', () => {
  it('takes the place of rotary positions', async () => {
    const folder = await folderFor('llama')
    const { lines } = await evaluate(folder, '--positions', 'alibi:scale=0.5')
    expect(lines[0]).toMatchObject({ strategy: 'alibi-scale-0.5', trainedWith: 'rotary', trainLength: 32 })
    const none = await evaluate(folder, '--positions', 'none:as=dropped')
    expect(none.lines[0]).toMatchObject({ strategy: 'dropped', trainedWith: 'rotary' })
    // Rotary with the file's base is what the file has.
    const same = await evaluate(folder, '--positions', 'rotary')
    expect(same.lines[0].lossNats).toBeCloseTo(golden.families.llama!.losses['']!['32']!, 5)
  })

  it('may be a file, and takes the place of that of a checkpoint or a learned table', async () => {
    const mine = join(temporary, 'mine.ts')
    await writeFile(
      mine,
      `import { alibi } from '@alibi/alibi'
import { defineStrategy } from '@alibi/core'
export default ({ numHeads }) => defineStrategy({ ...alibi({ numHeads, scale: 0.5 }), name: 'mine' })
`,
    )
    for (const kind of ['checkpoint', 'transformers'] as const) {
      const folder = await copyOf(kind)
      const file = await evaluate(folder, '--positions', mine)
      const name = await evaluate(folder, '--positions', 'alibi:scale=0.5')
      expect(file.lines[0]).toMatchObject({ strategy: 'mine' })
      expect(file.lines[0].lossNats).toBe(name.lines[0].lossNats)
    }
  })

  it('changes what is generated, too', async () => {
    const folder = await folderFor('gpt_neox')
    const options = ['--prompt', 'a few words', '--temperature', '1', '--max-new-tokens', '24', '--backend', 'cpu']
    const plain = await bench('generate', folder, ...options)
    const scaled = await bench('generate', folder, ...options, '--positions', 'linear:factor=16')
    expect([plain.code, scaled.code]).toEqual([0, 0])
    expect(scaled.stdout).not.toEqual(plain.stdout)
  })
})

describe('is refused in one line', () => {
  const refused = async (folder: string, positions: string, message: string, ...more: readonly string[]) => {
    const { stderr, code } = await evaluate(folder, '--positions', positions, ...more)
    expect(stderr.split('\n').filter((line) => line.startsWith('bench: '))).toEqual([expect.stringContaining(message)])
    expect(code).toBe(1)
  }

  it('what there is not', async () => {
    await refused('nowhere', 'yarrn', 'unknown strategy yarrn; known: alibi,')
    await refused('nowhere', 'yarrn', 'scalings of rotary positions are linear, ntk, yarn')
    await refused('nowhere', 'yarn', 'yarnScaling: expected a finite factor > 0, got undefined')
    await refused('nowhere', 'linear:factor=0.5', 'linearScaling: expected a factor ≥ 1, got 0.5')
    await refused('nowhere', 'ntk:base=5', 'positions ntk: expected an option from factor, got base')
  })

  it('a scaling where nothing turns', async () => {
    const message = 'positions yarn-factor-4: expected a model with rotary positions to scale, got one with'
    await refused(await copyOf('checkpoint'), 'yarn:factor=4', `${message} alibi`)
    await refused(await copyOf('transformers'), 'yarn:factor=4', `${message} learned`)
  })

  it('parameters that the checkpoint has not, or in another shape', async () => {
    const learned = await copyOf('transformers')
    const lacking = 'got none for position.table of shape [32,2]; train with these positions first'
    await refused(learned, 't5-bias', lacking)
    await refused(
      learned,
      'learned:maxPositions=32',
      'positions learned-maxPositions-32: expected position.table of shape [16,8], as learned was trained with, got [32,8]',
    )
    await refused(learned, 'rotary:rotaryDim=6', 'rotaryDim at most 4, got 6')
    const same = await evaluate(learned, '--positions', 'learned:as=again')
    expect(same.lines[0].lossNats).toBe((await evaluate(learned)).lines[0].lossNats)
  })

  it('a checkpoint that does not say its train length', async () => {
    const folder = join(temporary, 'bloom')
    await cp(fileURLToPath(new URL('golden/bloom', import.meta.url)), folder, { recursive: true })
    const { seq_length: _, ...config } = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'))
    await writeFile(join(folder, 'config.json'), JSON.stringify(config))
    await refused(folder, 'alibi:scale=0.5', 'expected --train-length for other positions, got none')
    const prompt = ['--prompt', 'the text', '--max-new-tokens', '1', '--backend', 'cpu']
    const told = await bench('generate', folder, '--positions', 'alibi:scale=0.5', '--train-length', '32', ...prompt)
    expect(told.code).toBe(0)
  })
})
