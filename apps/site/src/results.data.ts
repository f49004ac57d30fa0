import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Curves, curvesOf } from './curves.js'

const folder = fileURLToPath(new URL('../../../docs/results', import.meta.url))

export declare const data: readonly Curves[]

export default {
  watch: [`${folder}/*.jsonl`],
  load: (): Curves[] =>
    readdirSync(folder)
      .filter((file) => file.endsWith('.jsonl'))
      .sort()
      .flatMap((file) => curvesOf(basename(file, '.jsonl'), readFileSync(join(folder, file), 'utf8'))),
}
