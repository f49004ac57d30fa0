// Loaded into a sweep's process before all else: kills it at a moment of its work on the disk. KILL_AT has the moment, and how
// often it comes before. Whatever is under way for other cells then is cut off as well.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { sep } from 'node:path'

const [, moment, times] = /^(.*) (\d+)$/.exec(process.env.KILL_AT ?? '') ?? []
// The processes that the sweep starts live on.
delete process.env.KILL_AT
let left = Number(times)

/** @param {string} now */
function reach(now) {
  if (now !== moment) return
  left -= 1
  if (left < 0) process.kill(process.pid, 'SIGKILL')
}

const { rename } = fs
/** @type {(from: fs.PathLike, to: fs.PathLike, done: fs.NoParamCallback) => void} */
const renameOrDie = (from, to, done) => {
  const name = `${to}`.split(sep).at(-1)
  reach(`before ${name}`)
  rename(from, to, (error) => {
    reach(`after ${name}`)
    done(error)
  })
}
fs.rename = Object.assign(renameOrDie, { __promisify__: fs.promises.rename })

const { open } = fs.promises
fs.promises.open = async (path, flags, mode) => {
  const file = await open(path, flags, mode)
  if (flags !== 'a') return file
  reach('before lines')
  const { sync, writeFile } = file
  file.writeFile = async (text) => {
    if (moment !== 'half of lines') return writeFile.call(file, text)
    await writeFile.call(file, `${text}`.slice(0, `${text}`.length / 2))
    reach('half of lines')
  }
  file.sync = async () => {
    await sync.call(file)
    reach('after lines')
  }
  return file
}
syncBuiltinESMExports()
