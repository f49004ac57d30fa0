import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Absent, Contestant } from './contestant.js'

/** A program that says a line when it is ready, then reads a number of steps and answers, again and again: `serve`, peers/serve.py. */
interface Program {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** What to say if it does not start. */
  readonly reason: string
}

/** What a program says when it is ready. */
type Ready = Pick<Contestant, 'answers' | 'versions'>

/** Its answer to a number of steps. */
interface Answer {
  readonly seconds: number
  /** The most memory that was resident so far. */
  readonly peakBytes: number
}

/** A contestant in a process of its own that waits between runs. */
export interface InProcess extends Contestant {
  /** The most memory that was resident up to the last run. */
  peakBytes(): number
}

export async function inProcess({ name, command, args, env, reason }: Program): Promise<InProcess | Absent> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: env ?? process.env })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000)
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = once(child, 'close').catch(() => {})
  const next = async <Line>(): Promise<Line | undefined> => {
    for (;;) {
      const { value, done } = await Promise.race([lines.next(), ended.then(() => ({ done: true, value: '' }))])
      if (done) return undefined
      // Libraries may say something too.
      if (value.startsWith('{')) return JSON.parse(value)
    }
  }
  const ready = await next<Ready>()
  if (!ready) return { name, reason: `${reason}${lastLine(said)}` }
  let peakBytes = 0
  return {
    name,
    ...ready,
    peakBytes: () => peakBytes,
    async run(steps) {
      child.stdin.write(`${steps}\n`)
      const answer = await next<Answer>()
      if (!answer) throw new Error(`speed: ${name} ended in the middle of a run${lastLine(said)}`)
      peakBytes = answer.peakBytes
      return answer.seconds
    },
    dispose: () => void child.kill(),
  }
}

/** Python's errors end with what matters. */
const lastLine = (said: string): string => {
  const line = said.trim().split('\n').at(-1)?.trim().slice(0, 200)
  return line ? ` (${line})` : ''
}

/** The other side, for contestants of ours in a process of their own. */
export async function serve({ answers, run }: Contestant): Promise<void> {
  const say = (line: Ready | Answer) => console.log(JSON.stringify(line))
  say({ answers })
  for await (const line of createInterface({ input: process.stdin }))
    say({ seconds: await run(Number(line)), peakBytes: 1024 * process.resourceUsage().maxRSS })
}
