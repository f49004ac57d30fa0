// The compiler of the selected backend, watched or spoiled.
import type { CompileOptions, compile } from '@alibi/backend'
import * as tf from '@tensorflow/tfjs'
import { afterEach, beforeAll, onTestFinished } from 'vitest'
import { keepOutOfGraphs } from '../src/compiler.js'

type Compile = typeof compile
const compiling = () => tf.backend() as unknown as { compile: Compile }

/**
 * Notes each graph that passes of the selected backend make, also one that is made again.
 *
 * @returns the ops of those that the current test made
 */
export function countCompiled(): () => readonly number[] {
  const made: number[] = []
  beforeAll(() => {
    const backend = compiling()
    const { compile } = backend
    const onCompile: CompileOptions['onCompile'] = ({ numOps }) => void made.push(numOps)
    backend.compile = (step, variables, options) => compile(step, variables, { ...options, onCompile })
  })
  afterEach(() => void made.splice(0))
  return () => made
}

/** Lets no graph be made in the current test: of a model of ours there always is one. */
export function refuseGraphs(reasonOf: (inputs: readonly tf.Tensor[]) => string): void {
  const backend = compiling()
  const { compile } = backend
  onTestFinished(() => void Object.assign(backend, { compile }))
  backend.compile = (step, variables, options) =>
    compile(
      (...inputs) => {
        keepOutOfGraphs(reasonOf(inputs))
        return step(...inputs)
      },
      variables,
      options,
    )
}
