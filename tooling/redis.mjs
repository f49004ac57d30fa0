// The queue that tests of sweeps on several machines start: the system's own Redis, or Valkey.
import { findProgram, installPackage } from './debian.mjs'

/** Why there may be none: tests that skip say so. */
export const NO_REDIS =
  'no redis-server or valkey-server on this machine: install one (on Debian, `npm test` as root does)'

/** The path of an installed server, or undefined. */
export const findRedis = () => findProgram(['redis-server', 'valkey-server'])

/** Installs Debian's package if there is no server and this user may. */
export async function prepareRedis() {
  if (!findRedis()) await installPackage('redis-server', NO_REDIS)
}
