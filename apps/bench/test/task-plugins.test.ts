// Tasks of people's own files: found, checked, trained on, and run by nobody who did not name them.
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readResults } from '@alibi/results/node'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openTask } from '../src/data/tasks/open.js'
import { planRun } from '../src/run-folder/begin.js'
import { bench } from './command-line.js'

vi.mock(import('../src/terminal/interrupt.js'), async (original) => ({
  ...(await original()),
  interruptSignal: () => new AbortController().signal,
}))
// Charts are drawn in report.test.ts.
vi.mock(import('../src/report/png.js'), () => ({ loadPng: async () => async () => new Uint8Array() }))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-tasks-'))
  process.env.XDG_DATA_HOME = join(folder, 'data')
})
afterAll(() => rm(folder, { recursive: true }))

const silent = () => {}
const DOUBLE = `
export default {
  unit: 'letters',
  trial(length: number, random: () => number) {
    const word = Array.from({ length }, () => 'abc'[Math.floor(3 * random())]).join('')
    return { prompt: word + '>', answer: word + word }
  },
}`
async function file(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text)
  return join(folder, name)
}

describe('a task of one’s own', () => {
  it('is a file whose default export, only one, or named one makes trials', async () => {
    const own = await openTask(await file('double.ts', DOUBLE), { log: silent })
    expect(own).toMatchObject({ name: 'double', unit: 'letters', shortest: 1 })
    expect(own.trial(2, () => 0.5, 64)).toEqual({ prompt: 'bb>', answer: 'bbbb' })
    const several = await file(
      'several.mjs',
      `export const one = { shortest: 2, trial: () => ({ prompt: 'a', answer: 'b' }) }
       export const two = { trial: () => ({ prompt: 'c', answer: 'd e', parts: ['d', 'e'] }) }
       export const other = 3`,
    )
    expect(await openTask(`${several}#one`, { log: silent })).toMatchObject({
      name: 'one',
      unit: 'length',
      shortest: 2,
    })
    await expect(openTask(several, { log: silent })).rejects.toThrow(`got tasks one, two; choose one: ${several}#one`)
    await expect(openTask(`${several}#other`, { log: silent })).rejects.toThrow('an export other with a function trial')
  })

  it.each([
    ['nothing', 'export const a = 1', 'one export with a function trial(length, random) => { prompt, answer }, got a'],
    ['no answer', "export default { trial: () => ({ prompt: 'a' }) }", 'expected answer as a text, got nothing'],
    [
      'an empty prompt',
      "export default { trial: () => ({ prompt: '', answer: 'a' }) }",
      'expected prompt as a text, got ""',
    ],
    [
      'parts of another answer',
      "export default { trial: () => ({ prompt: 'a', answer: 'b', parts: ['c'] }) }",
      'expected parts of its answer in their order, got "c"',
    ],
    [
      'other trials each time',
      "let n = 0\nexport default { trial: () => ({ prompt: 'a', answer: String(n++) }) }",
      'take all chance from random',
    ],
    ['an error', "export default { trial() { throw new Error('not yet') } }", 'trial of length 1: not yet'],
    [
      'a shortest that is none',
      'export default { shortest: 0.5, trial: () => ({}) }',
      'expected shortest as an integer from 0 up, got 0.5',
    ],
    ['no syntax', 'export default {', 'cannot be loaded'],
  ])('is refused where it makes %s', async (what, text, message) => {
    const path = await file(`bad-${what.replaceAll(' ', '-')}.mjs`, text)
    await expect(openTask(path, { log: silent })).rejects.toThrow(message)
  })

  it('is refused where it is not there, or has a built-in one’s name', async () => {
    await expect(openTask('./nowhere.ts', { log: silent })).rejects.toThrow(
      'task ./nowhere.ts: expected a file, got none',
    )
    await expect(openTask('addicion', { log: silent })).rejects.toThrow('unknown task addicion; known: addition, copy')
    await expect(openTask(await file('addition.ts', DOUBLE), { log: silent })).rejects.toThrow('rename its file')
  })
})

const small = '--num-layers 1 --model-dim 8 --num-heads 2 --batch-size 2 --train-length 12 --steps 2 --backend cpu'

describe('a run of a task', () => {
  const run = (...more: string[]) => bench('run', ...small.split(' '), '--eval-lengths', '8,12,24', ...more)

  it('trains on it, tries it at every length, reports it, and resumes with it alone', async () => {
    const path = await file('twice.ts', DOUBLE)
    const out = join(folder, 'of-twice')
    const { code, stdout, stderr } = await run('--strategies', 'none,alibi', '--data', `task:${path}`, '--out', out)
    expect(stderr.filter((line) => line.startsWith('bench: '))).toEqual([])
    expect(code).toBe(0)
    expect(stdout.join('\n')).toContain('right answers of twice by length in tokens')
    const { run: first, train, evals, tasks } = await readResults(out)
    expect(first.config.data).toBe(`task:${path}`)
    expect(evals).toEqual([])
    expect(train.every(({ trainedOn }) => trainedOn === 'twice')).toBe(true)
    expect(tasks.map(({ strategy, evalLength, length }) => `${strategy} ${evalLength} ${length}`)).toEqual(
      ['none', 'alibi'].flatMap((name) => [`${name} 8 2`, `${name} 12 3`, `${name} 24 7`]),
    )
    expect(tasks[0]).toMatchObject({ task: 'twice', unit: 'letters', scoring: 'likelihood', trials: 200 })
    for (const report of ['report.html', 'report.md', 'figures/task-twice.svg'])
      expect(existsSync(join(out, report)), report).toBe(true)

    const again = await bench('run', '--resume', '--out', out)
    expect(again.code).toBe(0)
    expect((await readResults(out)).tasks).toHaveLength(6)
    await file('twice.ts', DOUBLE.replace("'abc'", "'abd'"))
    const changed = await bench('run', '--resume', '--out', out)
    expect(changed.stderr.at(-1)).toContain('task twice: expected one that was named on this machine')
  })

  it('refuses what tasks do not have, lengths that no trial fits in, and tasks that there are not', async () => {
    const refusal = async (...more: string[]) => (await run('--out', join(folder, 'refused'), ...more)).stderr.at(-1)
    const task = ['--data', 'task:addition']
    expect(await refusal(...task, '--protocols', 'sliding')).toContain(
      'got protocols sliding; tasks are read byte by byte',
    )
    expect(await refusal(...task, '--tokenizer', 'words')).toContain('got tokenizer words')
    expect(await refusal(...task, '--eval-lengths', '3')).toContain(
      'a trial of addition fits in, got 3; take 7 or more',
    )
    expect(await refusal('--data', 'task:multiplication')).toContain('unknown task multiplication; known: addition')
    expect((await run('--dry-run', '--data', 'task:x')).stderr.at(-1)).toContain('unknown task x')
  })
})

it('a task that results name runs for nobody who did not name it', async () => {
  const out = join(folder, 'of-evil')
  const path = await file('evil.ts', DOUBLE)
  expect(
    (
      await bench(
        'run',
        ...small.split(' '),
        '--eval-lengths',
        '12',
        '--strategies',
        'none',
        '--data',
        `task:${path}`,
        '--out',
        out,
      )
    ).code,
  ).toBe(0)
  process.env.XDG_DATA_HOME = join(folder, 'another-machine')
  const ran = join(folder, 'ran')
  await file('evil.ts', `import { writeFileSync } from 'node:fs'\nwriteFileSync(${JSON.stringify(ran)}, '')\n${DOUBLE}`)
  const resume = () => planRun({ out, resume: true, backend: 'cpu', given: {}, log: silent })
  await expect(resume()).rejects.toThrow('task evil: expected one that was named on this machine')
  await expect(resume()).rejects.toThrow('run and train --resume: --data')
  expect(existsSync(ran)).toBe(false)
})
