import { expect, it } from 'vitest'
import { run, splitArguments, tensorflowArguments } from '../setup.mjs'

it("npm start divides its words between TensorFlow's set-up and the bench", () => {
  expect(splitArguments(['--steps', '100', '--gpu'])).toEqual({ build: ['--gpu'], bench: ['--steps', '100'] })
  expect(splitArguments(['--no-gpu', '--seeds', '1'])).toEqual({ build: ['--no-gpu'], bench: ['--seeds', '1'] })
  expect(splitArguments([])).toEqual({ build: [], bench: [] })
})

it('goes on without TensorFlow, unless a GPU was asked for', () => {
  expect(tensorflowArguments([])).toEqual(['--if-possible'])
  expect(tensorflowArguments(['--no-gpu'])).toEqual(['--if-possible', '--no-gpu'])
  expect(tensorflowArguments(['--gpu'])).toEqual(['--gpu'])
})

it('starts a command that nobody can be asked by', async () => {
  const asks = 'process.stdin.on("data", () => {}).on("end", () => process.exit(3))'
  expect(await run(process.execPath, ['-e', asks], {}, undefined, 'ignore')).toBe(3)
})
