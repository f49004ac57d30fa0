import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeSafetensors, encodeSafetensors } from '@alibi/transformer/node'
import { afterEach, expect, it, vi } from 'vitest'
import { evalCommand } from '../src/commands/eval.js'
import { copyOf } from './checkpoint-folders.js'

afterEach(() => vi.restoreAllMocks())

it('eval of weights that are NaN ends with one line, after what it measured', async () => {
  const folder = await copyOf('transformers')
  const path = join(folder, 'model.safetensors')
  const arrays = decodeSafetensors(await readFile(path))
  arrays.get('transformer.h.0.mlp.c_fc.weight')!.data[3] = Number.NaN
  await writeFile(path, encodeSafetensors(arrays))
  await writeFile(join(folder, 'text.txt'), 'some words to read, again. '.repeat(40))
  const printed = vi.spyOn(console, 'log').mockImplementation(() => {})
  vi.spyOn(console, 'error').mockImplementation(() => {})
  const args = [folder, '--backend', 'cpu', '--data', join(folder, 'text.txt'), '--eval-lengths', '8']
  await expect(evalCommand().parseAsync(args, { from: 'user' })).rejects.toThrow(
    /^eval: expected a finite loss, got NaN at 8; weights of .* are not finite: layers\.0\.mlp\.in\.weight$/,
  )
  expect(printed).toHaveBeenCalledTimes(1)
})
