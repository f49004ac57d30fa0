// The browser that tests look at pages with: the system's own. On Debian, `npm test` as root installs it from apt.
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run } from './setup.mjs'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

/** Why there may be none: tests that skip say so. */
export const NO_CHROMIUM = 'no Chromium on this machine: install it (on Debian, `npm test` as root does)'

/**
 * The path of an installed Chromium or Chrome, or undefined.
 * @param {string} [path] - folders to look in, as in `PATH`
 */
export function findChromium(path = process.env.PATH ?? '') {
  const places = path.split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)))
  return places.find((place) => existsSync(place))
}

/** Installs Debian's package if there is no Chromium and this user may. What goes wrong is printed, not thrown. */
export async function prepareChromium() {
  if (findChromium()) return
  const debian = existsSync('/usr/bin/apt-get') && existsSync('/etc/debian_version')
  if (!debian || process.getuid?.() !== 0) return console.log(NO_CHROMIUM)
  const quiet = { DEBIAN_FRONTEND: 'noninteractive' }
  const installed =
    (await run('apt-get', ['update', '-qq'], quiet)) === 0 &&
    (await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], quiet)) === 0
  if (!installed) console.log('Chromium could not be installed (the message is above): tests that need it are skipped')
}
