// `npm start`: from a fresh clone to the paper's table. Arguments go to the bench: npm start -- --steps 100
import { run, setUp, step } from './setup.mjs'

await setUp()
step('Train short, test long: the quick preset')
process.exitCode = await run(process.execPath, ['apps/bench/bin/bench.js', 'run', ...process.argv.slice(2)])
