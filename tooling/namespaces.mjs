// Machines of a test: network namespaces of Linux, each with an address of its own, joined by a bridge in one more.
import { spawnSync } from 'node:child_process'
import { findProgram, installPackage } from './debian.mjs'

const NO_IP = 'no ip on this machine: install iproute2 (on Debian, `npm test` as root does)'
/** `ip` is where users may not look. */
const findIp = () => findProgram(['ip'], `${process.env.PATH}:/usr/sbin:/sbin`)

/** Installs Debian's package if there is no `ip` and this user may. */
export async function prepareNamespaces() {
  if (process.platform === 'linux' && !findIp()) await installPackage('iproute2', NO_IP)
}

/** Why there may be none: tests that skip say so; undefined where there may. */
export function noNamespaces() {
  if (process.platform !== 'linux') return 'network namespaces are of Linux'
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  if (!findIp()) return NO_IP
  const tried = spawnSync('unshare', ['--net', 'ip', 'link', 'add', 'left', 'type', 'veth', 'peer', 'name', 'right'])
  return tried.status === 0 ? undefined : 'this machine does not allow network namespaces'
}

/** @param {...string} words */
function ip(...words) {
  const { status, stderr, error } = spawnSync('ip', words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${words.join(' ')}: ${error?.message ?? stderr.trim()}`)
}

/**
 * @param {readonly string[]} names - of the machines, of few letters
 * @param {(i: number) => string} addressAt - of each, all in one network of 256
 */
export function makeMachines(names, addressAt = (i) => `10.77.0.${11 + i}`) {
  const namespaceOf = (/** @type {string} */ name) => `alibi${process.pid}-${name}`
  const [hub, made] = [namespaceOf('hub'), /** @type {string[]} */ ([])]
  const add = (/** @type {string} */ namespace) => {
    ip('netns', 'add', namespace)
    made.push(namespace)
    ip('-n', namespace, 'link', 'set', 'lo', 'up')
  }
  const remove = () => {
    process.off('exit', remove)
    for (const namespace of made.splice(0)) ip('netns', 'delete', namespace)
  }
  process.on('exit', remove)
  try {
    add(hub)
    ip('-n', hub, 'link', 'add', 'bridge', 'type', 'bridge')
    ip('-n', hub, 'link', 'set', 'bridge', 'up')
    for (const [i, name] of names.entries()) {
      const own = namespaceOf(name)
      add(own)
      ip('link', 'add', 'net', 'netns', own, 'type', 'veth', 'peer', 'name', name, 'netns', hub)
      ip('-n', hub, 'link', 'set', name, 'master', 'bridge', 'up')
      ip('-n', own, 'address', 'add', `${addressAt(i)}/24`, 'dev', 'net')
      ip('-n', own, 'link', 'set', 'net', 'up')
    }
  } catch (error) {
    remove()
    throw error
  }
  return {
    /** @param {string} name */
    addressOf: (name) => addressAt(names.indexOf(name)),
    /**
     * The words that run a command on a machine.
     * @param {string} name
     * @param {readonly string[]} words
     */
    on: (name, words) => ['nsenter', `--net=/run/netns/${namespaceOf(name)}`, ...words],
    /**
     * Takes a machine's cable out, or puts it in.
     * @param {string} name
     * @param {boolean} isIn
     */
    cable: (name, isIn) => ip('-n', hub, 'link', 'set', name, isIn ? 'up' : 'down'),
    remove,
  }
}
