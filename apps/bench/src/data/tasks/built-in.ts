import { addition, parity, polynomial, sum } from './arithmetic.js'
import { copy, count, reversal, sorting } from './sequences.js'
import type { Task } from './task.js'

/** Every task by its name: the one place to add another. */
const tasks: Readonly<Record<string, Task>> = { addition, copy, count, parity, polynomial, reversal, sorting, sum }

export const builtInTasks: readonly string[] = Object.keys(tasks)

/** Undefined for one of a file or package. */
export const builtInTask = (name: string): Task | undefined => (Object.hasOwn(tasks, name) ? tasks[name] : undefined)
