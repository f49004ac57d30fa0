import type { z } from 'zod'

/**
 * A value as its schema has it.
 *
 * @param where - what the message begins with
 * @throws RangeError `<where>: <key>: expected X, got Y`, of the first that is wrong, a key that does not exist before others
 */
export function validate<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const result = schema.safeParse(value, { reportInput: true })
  if (result.success) return result.data
  const { issues } = result.error
  // A misspelt key is also a missing one.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]!
  throw new RangeError([where, ...(issue.path.length ? [issue.path.join('.')] : []), describe(issue)].join(': '))
}

/** For a strict object: names its keys where another is found. */
export const onlyKeysOf = (shape: object) => ({
  error: ({ code }: { readonly code: string }) =>
    code === 'unrecognized_keys' ? `one of ${Object.keys(shape).join(', ')}` : undefined,
})

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys')
    return `expected ${/^Unrecognized/.test(issue.message) ? 'no other settings' : issue.message}, got ${issue.keys.join(', ')}`
  return `expected ${expectation(issue)}, got ${show(issue.input)}`
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'too_small':
      return `${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}${unit(issue.origin)}`
    case 'too_big':
      return `${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}${unit(issue.origin)}`
    case 'invalid_type':
      return NOUNS[issue.expected] ?? issue.expected
    case 'invalid_value':
      return `${issue.values.length > 1 ? 'one of ' : ''}${issue.values.join(', ')}`
    case 'invalid_union':
      return /^Invalid/.test(issue.message) ? 'another kind of value' : issue.message.replace(/^expected /, '')
    default:
      return issue.message.replace(/^expected /, '')
  }
}

/** What zod calls types by. */
const NOUNS: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a finite number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

const unit = (origin: string) => ({ string: ' character', array: ' of them' })[origin] ?? ''

function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'number') return `${value}`
  try {
    return JSON.stringify(value).slice(0, 80)
  } catch {
    return 'what contains itself'
  }
}
