// bench ask: through a pipe, in a terminal with Ctrl-C, and as a conversation.
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { selectBackend } from '@alibi/backend'
import { generate, type Model } from '@alibi/transformer'
import { spawn as inTerminal } from '@lydell/node-pty'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ChatTemplate, chatTemplateOf, type Message } from '../src/checkpoints/chat-template.js'
import { openCheckpoint } from '../src/checkpoints/open.js'
import { readTokenizer } from '../src/data/tokenizer/hugging-face.js'
import { createAnswerer } from '../src/experiment/answerer.js'

// The command line as a person starts it, built by `npm test` before the tests.
const command = fileURLToPath(new URL('../bin/bench.js', import.meta.url))
const bloom = fileURLToPath(new URL('golden/bloom', import.meta.url))
const { prompt, greedy } = JSON.parse(await readFile(join(bloom, 'expected.json'), 'utf8'))
const small = ['--backend', 'cpu', '--temperature', '0']

const TEMPLATE =
  "{{ bos_token }}{% for m in messages %}{{ m.role[0] }}{{ m.content | trim }};{% endfor %}{% if add_generation_prompt %}{{ '12' }}{% endif %}"

let folder: string
let chat: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-ask-'))
  chat = join(folder, 'chat')
  await cp(bloom, chat, { recursive: true })
  const config = { bos_token: { content: '<s>' }, chat_template: [{ name: 'default', template: TEMPLATE }] }
  await writeFile(join(chat, 'tokenizer_config.json'), JSON.stringify(config))
})
afterAll(() => rm(folder, { recursive: true }))

/** What is printed for lines of a pipe. */
function ask(lines: string, ...words: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [command, 'ask', ...words, ...small])
    const written = { stdout: '', stderr: '' }
    child.stdout.on('data', (data) => {
      written.stdout += data
    })
    child.stderr.on('data', (data) => {
      written.stderr += data
    })
    child.on('close', (code) => resolve({ code, ...written }))
    child.stdin.end(lines)
  })
}

it('answers each line of a pipe by itself, as generate does', async () => {
  const { code, stdout, stderr } = await ask(`${prompt}\n\n${prompt}`, chat, '--max-tokens', '8', '--no-template')
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toBe(`${greedy}\n`.repeat(2))
})

it('stops an answer at Ctrl-C, and leaves at Ctrl-C at the prompt', { timeout: 60_000 }, async () => {
  const words = [command, 'ask', bloom, ...small, '--max-tokens', '10000000', '--ignore-eos']
  const terminal = inTerminal(process.execPath, words, { cols: 80, rows: 30, name: 'xterm-256color' })
  let seen = ''
  let look = () => {}
  terminal.onData((data) => {
    seen += data
    look()
  })
  /** Waits for a pattern in what comes after a place. */
  const until = (pattern: RegExp, from = 0) =>
    new Promise<void>((resolve) => {
      look = () => {
        if (pattern.test(seen.slice(from))) resolve()
      }
      look()
    })
  const exited = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)))
  await until(/> $/)
  terminal.write('12\r')
  await until(/12\r\n/)
  const answer = seen.length
  await until(/./, answer)
  terminal.write('\u0003')
  await until(/\r\n> $/, answer)
  terminal.write('\u0003')
  expect(await exited).toBe(130)
  expect(seen).toMatch(/each line is continued by itself; Ctrl-D leaves\r\n/)
  // Nothing but text: no colours, no moves of the cursor.
  expect(seen).not.toContain('\u001b')
})

it('holds a conversation where the tokenizer has a chat template', async () => {
  const template = await chatTemplateOf(chat, { writer: 'transformers', tokenizer: await readTokenizer(chat) })
  const first = { role: 'user', content: ' 7 ' } as const
  expect(template!([first, { role: 'assistant', content: 'a' }, first])).toBe('<s>u7;aa;u7;12')
  const { stdout } = await ask('7\n3\n', chat, '--max-tokens', '4')
  const [answer] = stdout.split('\n')
  // The same as one turn that has all of it.
  await writeFile(join(chat, 'chat_template.jinja'), `<s>u7;a${answer!.trim()};u3;12`)
  const { stdout: whole } = await ask('anything\n', chat, '--max-tokens', '4')
  expect(stdout).toBe(`${answer}\n${whole}`)
})

it('reads what is new of a conversation, and answers as if it had read all of it', async () => {
  await selectBackend('cpu')
  const opened = await openCheckpoint(bloom, () => {})
  const { tokenizer } = opened
  const read = { tokens: 0 }
  const forward: Model['forward'] = (rows, options) => {
    read.tokens += rows.reduce((sum, { length }) => sum + length, 0)
    return opened.model.forward(rows, options)
  }
  const model = { ...opened.model, forward }
  const marks = { user: 'u', assistant: 'a' }
  const template: ChatTemplate = (messages) =>
    `${messages.map(({ role, content }) => `${marks[role]}${content}`).join(';')};12`
  const written: string[] = []
  const lines: string[] = []
  const drawing = { maxNewTokens: 4, temperature: 0 }
  const answering = (write: (text: string) => void) => ({
    ...{ drawing, endTokens: [], template, write, log: (line: string) => void lines.push(line) },
    work: <T>(doIt: (signal: AbortSignal) => Promise<T>) => doIt(new AbortController().signal),
  })
  const ask = createAnswerer(
    { model, tokenizer },
    answering((text) => void written.push(text)),
  )
  const messages: Message[] = []
  let before: Int32Array = new Int32Array()
  for (const content of ['7 and 3', '9', 'and 12']) {
    messages.push({ role: 'user', content })
    const prompt = tokenizer.encode(Buffer.from(template(messages)), { marked: true })
    const want = await generate(opened.model, prompt, drawing)
    ;[read.tokens, written.length] = [0, 0]
    await ask(content)
    const answer = written.join('').slice(0, -1)
    expect(answer).toBe(tokenizer.decode(want))
    // Those that the last prompt has too are known, and those of its answer. The last one drawn is not read.
    const fresh = prompt.findIndex((token, i) => token !== before[i])
    expect(read.tokens).toBeLessThanOrEqual(prompt.length - fresh + drawing.maxNewTokens - 1)
    expect(fresh).toBeGreaterThanOrEqual(before.length && before.length - '12'.length)
    messages.push({ role: 'assistant', content: answer })
    before = prompt
  }
  expect(lines).toEqual([])
})

it('refuses a template that cannot be rendered, in one line', async () => {
  const tokenizer = await readTokenizer(chat)
  const opened = { writer: 'transformers', tokenizer } as const
  await writeFile(join(chat, 'chat_template.jinja'), '{% for %}')
  await expect(chatTemplateOf(chat, opened)).rejects.toThrow(
    /^ask: expected chat_template.jinja of .*chat to be a template that can be rendered, got: .*; try --no-template$/,
  )
  await writeFile(join(chat, 'chat_template.jinja'), "{{ raise_exception('roles must alternate') }}")
  const template = await chatTemplateOf(chat, opened)
  expect(() => template!([])).toThrow('got: roles must alternate; try --no-template')
  expect(await chatTemplateOf(bloom, { writer: 'transformers', tokenizer: await readTokenizer(bloom) })).toBe(undefined)
})
