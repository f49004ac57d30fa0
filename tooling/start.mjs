// `npm start`: from a fresh clone to the paper's table. `--gpu` and `--no-gpu` choose TensorFlow's build; other arguments go to
// the bench: npm start -- --steps 100
import { run, setUp, step } from './setup.mjs'

const args = process.argv.slice(2)
const isBuild = (/** @type {string} */ arg) => arg === '--gpu' || arg === '--no-gpu'
await setUp(args.filter(isBuild))
step('Train short, test long: the quick preset')
const bench = ['apps/bench/bin/bench.js', 'run', ...args.filter((arg) => !isBuild(arg))]
process.exitCode = await run(process.execPath, bench)
