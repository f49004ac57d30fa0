// What tests need of the system: on Debian, `npm test` as root installs it from apt.
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run } from './setup.mjs'

/**
 * The path of the first program that is installed, or undefined.
 * @param {readonly string[]} names
 * @param {string} [path] - folders to look in, as in `PATH`
 */
export function findProgram(names, path = process.env.PATH ?? '') {
  const places = path.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)))
  return places.find((place) => existsSync(place))
}

/**
 * Installs a package, if this is Debian and this user may. What goes wrong is printed, not thrown.
 * @param {string} name
 * @param {string} otherwise - what to print where it may not be installed
 */
export async function installPackage(name, otherwise) {
  const debian = existsSync('/usr/bin/apt-get') && existsSync('/etc/debian_version')
  if (!debian || process.getuid?.() !== 0) return console.log(otherwise)
  const quiet = { DEBIAN_FRONTEND: 'noninteractive' }
  const installed =
    (await run('apt-get', ['update', '-qq'], quiet)) === 0 &&
    (await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', name], quiet)) === 0
  if (!installed) console.log(`${name} could not be installed (the message is above): tests that need it are skipped`)
}
