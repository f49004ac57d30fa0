import type { OptionKind } from '@alibi/strategies'
import { addition, parity, polynomial, sum } from './arithmetic.js'
import { type NeedleOptions, needles } from './ruler/needles.js'
import { type VariableOptions, variables } from './ruler/variables.js'
import { type CommonOptions, commonWords, type FrequentOptions, frequentWords } from './ruler/word-counts.js'
import { copy, count, reversal, sorting } from './sequences.js'
import type { Task } from './task.js'

/** A task that is here, with the options that it has on the command line. */
export interface TaskDefinition {
  /** Without `text`, which those have that read one. */
  readonly options: Readonly<Record<string, OptionKind>>
  /** Whether it hides what is asked for in a text that has to be given. */
  readsText(options: TaskOptions): boolean
  /** @param text - its words */
  make(options: TaskOptions, text?: readonly string[]): Task
}

export type TaskOptions = Readonly<Record<string, number | boolean | string>>

const plain = (task: Task): TaskDefinition => ({ options: {}, readsText: () => false, make: () => task })

/** A task with options, all of which have defaults. */
const withOptions = <Options extends object>(
  options: Readonly<Record<string, OptionKind>>,
  defaults: Options,
  make: (options: Options, text?: readonly string[]) => Task,
): TaskDefinition => ({
  options,
  readsText: (given) => ({ haystack: '', ...defaults, ...given }).haystack === 'essay',
  make: (given, text) => make({ ...defaults, ...given }, text),
})

const KINDS = ['words', 'numbers', 'uuids']
const single: NeedleOptions = {
  ...{ haystack: 'essay', keyType: 'words', valueType: 'numbers' },
  ...{ keys: 1, values: 1, queries: 1 },
}
const needle = (differs: Partial<NeedleOptions>) =>
  withOptions(
    {
      haystack: ['noise', 'essay', 'needle'],
      keyType: KINDS,
      valueType: KINDS,
      keys: 'number',
      values: 'number',
      queries: 'number',
    },
    { ...single, ...differs },
    needles,
  )
const tracking: VariableOptions = { haystack: 'noise', chains: 1, hops: 4, shots: 1 }
const common: CommonOptions = { words: 10, shots: 1 }
const frequent: FrequentOptions = { alpha: 2, letters: 6 }

/** Every task by its name: the one place to add another. RULER's have the defaults of its `synthetic.yaml`. */
const definitions: Readonly<Record<string, TaskDefinition>> = {
  addition: plain(addition),
  copy: plain(copy),
  count: plain(count),
  parity: plain(parity),
  polynomial: plain(polynomial),
  reversal: plain(reversal),
  sorting: plain(sorting),
  sum: plain(sum),
  'niah-single-1': needle({ haystack: 'noise' }),
  'niah-single-2': needle({}),
  'niah-single-3': needle({ valueType: 'uuids' }),
  'niah-multikey-1': needle({ keys: 4 }),
  'niah-multikey-2': needle({ haystack: 'needle' }),
  'niah-multikey-3': needle({ haystack: 'needle', keyType: 'uuids', valueType: 'uuids' }),
  'niah-multivalue': needle({ values: 4 }),
  'niah-multiquery': needle({ keys: 4, queries: 4 }),
  vt: withOptions(
    { haystack: ['noise', 'essay'], chains: 'number', hops: 'number', shots: 'number' },
    tracking,
    variables,
  ),
  cwe: withOptions({ words: 'number', common: 'number', uncommon: 'number', shots: 'number' }, common, commonWords),
  fwe: withOptions({ alpha: 'number', letters: 'number' }, frequent, frequentWords),
}

export const builtInTasks: readonly string[] = Object.keys(definitions)

/** Undefined for one of a file or package. */
export const builtInTask = (name: string): TaskDefinition | undefined =>
  Object.hasOwn(definitions, name) ? definitions[name] : undefined
