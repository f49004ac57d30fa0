// The browser that tests look at pages with: the system's own.
import { findProgram, installPackage } from './debian.mjs'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

/** Why there may be none: tests that skip say so. */
export const NO_CHROMIUM = 'no Chromium on this machine: install it (on Debian, `npm test` as root does)'

/**
 * The path of an installed Chromium or Chrome, or undefined.
 * @param {string} [path] - folders to look in, as in `PATH`
 */
export const findChromium = (path) => findProgram(NAMES, path)

/** Installs Debian's package if there is no Chromium and this user may. */
export async function prepareChromium() {
  if (!findChromium()) await installPackage('chromium', NO_CHROMIUM)
}
