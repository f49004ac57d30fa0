// Python's pickles, protocols 2 to 5, as data: https://github.com/python/cpython/blob/main/Lib/pickletools.py has the opcodes.
// npm's packages for it know no persistent ids, which tensors need, and were not made for hostile files.
import { createCursor } from './cursor.js'
import { createMachine, type Machine, type UnpickleOptions } from './machine.js'
import type { PickleValue } from './values.js'

/**
 * What a pickle holds. Nothing in it runs: globals that the options do not know become `unread` objects with their names.
 *
 * @throws Error, one line without a beginning, for bytes that are no such pickle, or one made to exhaust memory
 */
export function unpickle(bytes: Uint8Array, options: UnpickleOptions): PickleValue {
  const machine = createMachine(createCursor(bytes), options)
  const { cursor } = machine
  if (bytes[0] !== PROTO) throw new Error('a pickle of protocol 2 to 5, got other bytes')
  for (;;) {
    const opcode = cursor.byte()
    if (opcode === STOP) return machine.pop()
    const act = ACTIONS.get(opcode)
    if (!act)
      throw new Error(
        `opcodes of protocols 2 to 5, got 0x${opcode.toString(16).padStart(2, '0')} at byte ${cursor.at - 1}; the file is damaged or of another kind`,
      )
    act(machine)
  }
}

const PROTO = 0x80
const STOP = 0x2e

type Action = (machine: Machine) => void
const push =
  (read: (machine: Machine) => PickleValue): Action =>
  (machine) =>
    machine.push(read(machine))
const tupleOf = (count: number) => push((m) => m.list(m.popMany(count)))
const constant = (value: PickleValue) => push(() => value)

/** Opcodes by the names that Python's pickletools gives them. */
const ACTIONS: ReadonlyMap<number, Action> = new Map<number, Action>([
  [PROTO, ({ cursor }) => checkProtocol(cursor.byte())],
  [0x95 /* FRAME */, ({ cursor }) => void cursor.length8()],

  [0x4e /* NONE */, constant(null)],
  [0x88 /* NEWTRUE */, constant(true)],
  [0x89 /* NEWFALSE */, constant(false)],
  [0x4b /* BININT1 */, push(({ cursor }) => cursor.byte())],
  [0x4d /* BININT2 */, push(({ cursor }) => cursor.unsigned(2))],
  [0x4a /* BININT */, push(({ cursor }) => cursor.signed())],
  [0x8a /* LONG1 */, push(({ cursor }) => cursor.integer(cursor.byte()))],
  [0x8b /* LONG4 */, push(({ cursor }) => cursor.integer(cursor.unsigned(4)))],
  [0x47 /* BINFLOAT */, push(({ cursor }) => cursor.float())],
  [0x8c /* SHORT_BINUNICODE */, push(({ cursor }) => cursor.text(cursor.byte()))],
  [0x58 /* BINUNICODE */, push(({ cursor }) => cursor.text(cursor.unsigned(4)))],
  [0x8d /* BINUNICODE8 */, push(({ cursor }) => cursor.text(cursor.length8()))],
  // Strings of Python 2: letters of a name in every checkpoint that has them.
  [0x55 /* SHORT_BINSTRING */, push(({ cursor }) => cursor.text(cursor.byte()))],
  [0x54 /* BINSTRING */, push(({ cursor }) => cursor.text(cursor.unsigned(4)))],
  [0x43 /* SHORT_BINBYTES */, push(({ cursor }) => cursor.bytes(cursor.byte()))],
  [0x42 /* BINBYTES */, push(({ cursor }) => cursor.bytes(cursor.unsigned(4)))],
  [0x8e /* BINBYTES8 */, push(({ cursor }) => cursor.bytes(cursor.length8()))],
  [0x96 /* BYTEARRAY8 */, push(({ cursor }) => cursor.bytes(cursor.length8()))],

  [0x28 /* MARK */, (m) => m.mark()],
  [0x30 /* POP */, (m) => m.discard()],
  [0x31 /* POP_MARK */, (m) => void m.popToMark()],
  [0x32 /* DUP */, push((m) => m.top())],
  [0x71 /* BINPUT */, (m) => m.remember(m.cursor.byte())],
  [0x72 /* LONG_BINPUT */, (m) => m.remember(m.cursor.unsigned(4))],
  [0x94 /* MEMOIZE */, (m) => m.remember()],
  [0x68 /* BINGET */, push((m) => m.recall(m.cursor.byte()))],
  [0x6a /* LONG_BINGET */, push((m) => m.recall(m.cursor.unsigned(4)))],

  [0x29 /* EMPTY_TUPLE */, tupleOf(0)],
  [0x85 /* TUPLE1 */, tupleOf(1)],
  [0x86 /* TUPLE2 */, tupleOf(2)],
  [0x87 /* TUPLE3 */, tupleOf(3)],
  [0x74 /* TUPLE */, push((m) => m.list(m.popToMark()))],
  [0x5d /* EMPTY_LIST */, tupleOf(0)],
  [0x6c /* LIST */, push((m) => m.list(m.popToMark()))],
  [0x61 /* APPEND */, (m) => m.append(m.popMany(1))],
  [0x65 /* APPENDS */, (m) => m.append(m.popToMark())],
  [0x7d /* EMPTY_DICT */, push((m) => m.dictionary())],
  [
    0x64 /* DICT */,
    (m) => {
      const items = m.popToMark()
      m.push(m.dictionary())
      m.setItems(items)
    },
  ],
  [0x73 /* SETITEM */, (m) => m.setItems(m.popMany(2))],
  [0x75 /* SETITEMS */, (m) => m.setItems(m.popToMark())],
  [0x8f /* EMPTY_SET */, push((m) => m.set([]))],
  [0x90 /* ADDITEMS */, (m) => m.append(m.popToMark())],
  [0x91 /* FROZENSET */, push((m) => m.set(m.popToMark()))],

  [0x63 /* GLOBAL */, push((m) => m.global(m.cursor.line(), m.cursor.line()))],
  [
    0x93 /* STACK_GLOBAL */,
    (m) => {
      const [module, name] = m.popMany(2)
      m.push(m.global(module!, name!))
    },
  ],
  [0x52 /* REDUCE */, (m) => m.make(...(m.popMany(2) as [PickleValue, PickleValue]))],
  [0x81 /* NEWOBJ */, (m) => m.make(...(m.popMany(2) as [PickleValue, PickleValue]))],
  [
    0x92 /* NEWOBJ_EX */,
    (m) => {
      const [type, positional] = m.popMany(3)
      m.make(type!, positional!)
    },
  ],
  [0x62 /* BUILD */, (m) => m.build(m.popMany(1)[0]!)],
  [0x51 /* BINPERSID */, push((m) => m.persistent(m.popMany(1)[0]!))],
])

function checkProtocol(protocol: number): void {
  if (protocol < 2 || protocol > 5) throw new Error(`a pickle of protocol 2 to 5, got one of protocol ${protocol}`)
}
