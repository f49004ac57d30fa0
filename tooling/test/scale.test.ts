// The tables of docs/scale.md, made again: by the model of devices, and by the simulation with the costs that are kept.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { ROWS, rowOf } from '../queue-simulation.mjs'

const page = readFileSync(new URL('../../docs/scale.md', import.meta.url), 'utf8')

const cellsOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| -'))
    .map((line) => line.split('|').map((cell) => cell.trim()))

it('steps on 1 to 128 devices', () => {
  const tool = fileURLToPath(new URL('../device-tables.mjs', import.meta.url))
  const printed = execFileSync(process.execPath, [tool], { encoding: 'utf8' })
  const [section] = page.split('\n## One model\n')[1]!.split('\n## ')
  expect(cellsOf(section!)).toEqual(cellsOf(printed))
  expect(cellsOf(printed)).toHaveLength(2 * 9)
  expect(section).toContain(printed.split(':')[0])
})

it('the simulated queue', () => {
  const [section] = page.split('\n## Many models\n')[1]!.split('\n## ')
  const [, ...rows] = cellsOf(section!)
  expect(rows.map((cells) => cells.slice(1, -1))).toEqual(ROWS.map(rowOf))
})
