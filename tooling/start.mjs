// `npm start`: from a fresh clone to the paper's table. `--gpu` and `--no-gpu` choose TensorFlow's build; other arguments go to
// the bench: npm start -- --steps 100
import { run, setUp, splitArguments, step } from './setup.mjs'

const { build, bench } = splitArguments(process.argv.slice(2))
await setUp(build)
step('Train short, test long: the quick preset')
process.exitCode = await run(process.execPath, ['apps/bench/bin/bench.js', 'run', ...bench])
