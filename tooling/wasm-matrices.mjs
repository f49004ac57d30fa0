// Compiles packages/backend/native/matrices.as.ts into the module that @alibi/backend carries; a test compares the two.
//   node tooling/wasm-matrices.mjs --update
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'
import writeFileAtomic from 'write-file-atomic'

const SOURCE = new URL('../packages/backend/native/matrices.as.ts', import.meta.url)
export const MODULE = new URL('../packages/backend/src/wasm/matrices-module.ts', import.meta.url)

/** @returns the text of {@link MODULE} */
export async function compileMatrices() {
  /** @type {Uint8Array | undefined} */
  let module
  const options = [
    '--runtime',
    'stub',
    '--importMemory',
    '--noExportMemory',
    '-O3',
    '--enable',
    'simd',
    '--use',
    'abort=',
  ]
  const { error, stderr } = await asc.main(['matrices.ts', ...options, '--outFile', 'matrices.wasm'], {
    readFile: (name) => (name === 'matrices.ts' ? readFile(SOURCE, 'utf8') : null),
    writeFile: (_, contents) => {
      module = /** @type {Uint8Array} */ (contents)
    },
    listFiles: () => [],
  })
  if (error || !module) throw new Error(`wasm-matrices: expected matrices.as.ts to compile, got ${error}\n${stderr}`)
  const lines =
    Buffer.from(module)
      .toString('base64')
      .match(/.{1,110}/g) ?? []
  return `// Made of native/matrices.as.ts by tooling/wasm-matrices.mjs: a WebAssembly module in base64.
export const matricesModule =
${lines.map((line) => `  '${line}'`).join(' +\n')}
`
}

if (process.argv.includes('--update')) await writeFileAtomic(fileURLToPath(MODULE), await compileMatrices())
