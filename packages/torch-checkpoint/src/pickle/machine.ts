import type { Cursor } from './cursor.js'
import { describe, type Global, isGlobal, isUnread, type PickleValue, quoted } from './values.js'

/** What a pickle's reader knows. */
export interface UnpickleOptions {
  /** What some globals make of their arguments, by module and name with a dot between them. */
  readonly globals: ReadonlyMap<string, (args: readonly PickleValue[]) => PickleValue>
  /** What a persistent id stands for. */
  readonly persistent: (id: PickleValue) => PickleValue
  /** Called with each global that is not among the known ones and that Python would have run. */
  readonly onUnread: (name: string) => void
}

/** The stack and memo that opcodes work on. Every method throws an Error, one line without a beginning, for bad pickles. */
export interface Machine {
  readonly cursor: Cursor
  push(value: PickleValue): void
  pop(): PickleValue
  top(): PickleValue
  /** The last ones, in their order. */
  popMany(count: number): PickleValue[]
  mark(): void
  /** All since the last mark, and the mark. */
  popToMark(): PickleValue[]
  /** Removes the top, which is a value or a mark. */
  discard(): void
  /** Keeps the top by a number; by default the next. */
  remember(index?: number): void
  recall(index: number): PickleValue
  list(items: PickleValue[]): PickleValue[]
  dictionary(): Map<PickleValue, PickleValue>
  set(items: PickleValue[]): Set<PickleValue>
  /** To the list or set on top. */
  append(items: readonly PickleValue[]): void
  /** Keys and values in turn, to the dictionary on top. */
  setItems(items: readonly PickleValue[]): void
  global(module: PickleValue, name: PickleValue): Global
  /** Pushes what a known global makes of its arguments, or an unread object. */
  make(global: PickleValue, args: PickleValue): void
  /** Gives the object on top its state. */
  build(state: PickleValue): void
  persistent(id: PickleValue): PickleValue
}

/** Far more than checkpoints need (about eight a tensor), and below 300 MB: a byte can ask for a whole container. */
const MOST_OBJECTS = 2 ** 20
const MOST_REMEMBERED = 2 ** 21

/** The stack, the memo and their limits, which all operations share: a table of short functions rather than one long one. */
export function createMachine(cursor: Cursor, { globals, persistent, onUnread }: UnpickleOptions): Machine {
  const stack: PickleValue[] = []
  const marks: number[] = []
  const memo = new Map<number, PickleValue>()
  let objects = 0

  const floor = () => marks.at(-1) ?? 0
  function made<T>(value: T): T {
    if (++objects > MOST_OBJECTS) throw new Error(`at most ${MOST_OBJECTS} objects in the pickle, got more`)
    return value
  }
  const unread = (name: string): PickleValue => {
    onUnread(name)
    return made({ kind: 'unread', name, state: undefined })
  }
  const machine: Machine = {
    cursor,
    push: (value) => void stack.push(value),
    pop: () => machine.popMany(1)[0]!,
    top() {
      if (stack.length <= floor()) throw new Error(`a value before byte ${cursor.at} of the pickle, got none`)
      return stack.at(-1)!
    },
    popMany(count) {
      if (count && stack.length - floor() < count)
        throw new Error(`${count} values before byte ${cursor.at} of the pickle, got ${stack.length - floor()}`)
      return count ? stack.splice(-count) : []
    },
    mark: () => void marks.push(stack.length),
    popToMark() {
      const from = marks.pop()
      if (from === undefined) throw new Error(`a mark before byte ${cursor.at} of the pickle, got none`)
      return stack.splice(from)
    },
    discard() {
      if (marks.at(-1) === stack.length) marks.pop()
      else machine.pop()
    },
    remember(index = memo.size) {
      if (memo.size >= MOST_REMEMBERED) throw new Error(`at most ${MOST_REMEMBERED} memo entries, got more`)
      memo.set(index, machine.top())
    },
    recall(index) {
      if (!memo.has(index)) throw new Error(`memo entry ${index} to be set before byte ${cursor.at}, got none`)
      return memo.get(index)!
    },
    list: made,
    dictionary: () => made(new Map()),
    set: (items) => made(new Set(items)),
    append(items) {
      const target = machine.top()
      if (Array.isArray(target)) for (const item of items) target.push(item)
      else if (target instanceof Set) for (const item of items) target.add(item)
      else if (!isUnread(target)) throw new Error(`a list or set to add to, got ${describe(target)}`)
    },
    setItems(items) {
      const target = machine.top()
      if (items.length % 2) throw new Error(`a value for each key, got ${items.length} of both`)
      if (target instanceof Map) for (let i = 0; i < items.length; i += 2) target.set(items[i]!, items[i + 1]!)
      else if (!isUnread(target)) throw new Error(`a dictionary to add to, got ${describe(target)}`)
    },
    global(module, name) {
      if (typeof module !== 'string' || typeof name !== 'string')
        throw new Error(`names of a global, got ${describe(module)} and ${describe(name)}`)
      return made({ kind: 'global', name: quoted(`${module}.${name}`).slice(1, -1) })
    },
    make(global, args) {
      if (!Array.isArray(args)) throw new Error(`a tuple of arguments, got ${describe(args)}`)
      if (isUnread(global)) return machine.push(unread(global.name))
      if (!isGlobal(global)) throw new Error(`a global to make an object with, got ${describe(global)}`)
      const known = globals.get(global.name)
      machine.push(known ? made(known(args)) : unread(global.name))
    },
    build(state) {
      const target = machine.top()
      if (isUnread(target)) target.state = state
      // An OrderedDict's state is its attributes, in which torch keeps versions.
      else if (!(target instanceof Map)) throw new Error(`an object that has a state, got ${describe(target)}`)
    },
    persistent,
  }
  return machine
}
