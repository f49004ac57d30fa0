// A tiny run of the bench on another Node than this one: node tooling/smoke.mjs 24.21.0
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeOf } from './other-node.mjs'
import { run } from './setup.mjs'

const [version = ''] = process.argv.slice(2)
const node = await nodeOf(version)
const out = mkdtempSync(join(tmpdir(), 'alibi-smoke-'))
const tiny = ['--num-layers', '1', '--model-dim', '16', '--num-heads', '2', '--batch-size', '2', '--steps', '3']
const lengths = ['--train-length', '16', '--eval-lengths', '16,32', '--eval-tokens', '64']
process.exitCode = await run(node, ['apps/bench/bin/bench.js', 'run', ...tiny, ...lengths, '--out', join(out, 'run')])
rmSync(out, { recursive: true, force: true })
