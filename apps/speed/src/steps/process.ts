import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Absent, Contestant } from './contestant.js'

/** A program that prints a line when it is ready, then reads a number of steps and prints seconds a step, again and again. */
interface Program {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** What to say if it does not start. */
  readonly reason: string
}

/** A contestant in a process of its own that waits between runs. */
export async function inProcess({ name, command, args, env, reason }: Program): Promise<Contestant | Absent> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'], env: env ?? process.env })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = once(child, 'close').catch(() => {})
  const next = async () =>
    (await Promise.race([lines.next(), ended.then(() => ({ done: true, value: '' }))])) as IteratorResult<string>
  if ((await next()).done) return { name, reason }
  return {
    name,
    async run(steps) {
      child.stdin.write(`${steps}\n`)
      const { value, done } = await next()
      if (done) throw new Error(`speed: ${name} ended in the middle of a run`)
      return Number(value)
    },
    dispose: () => void child.kill(),
  }
}
