import { expect, it } from 'vitest'
import { readAudit } from '../audit.mjs'

const advisory = (severity: string) => ({
  severity,
  module_name: 'a-package',
  title: 'A hole',
  url: 'https://example.org/1',
})

it('fails for high and critical advisories, and prints the others', () => {
  const report = { advisories: { 1: advisory('critical'), 2: advisory('high'), 3: advisory('moderate') } }
  expect(readAudit(JSON.stringify(report))).toEqual({
    failing: ['critical', 'high'].map((severity) => `${severity}: a-package: A hole (https://example.org/1)`),
    milder: ['moderate: a-package: A hole (https://example.org/1)'],
  })
})

it('finds nothing in an empty report', () => {
  expect(readAudit('{ "advisories": {} }')).toEqual({ failing: [], milder: [] })
})

it.each([
  ['{ "error": { "code": "ERR_PNPM_AUDIT_BAD_RESPONSE", "message": "405" } }', 'ERR_PNPM_AUDIT_BAD_RESPONSE'],
  ['', 'no JSON'],
])('says why there is no answer: %s', (output, reason) => {
  expect(readAudit(output)).toEqual({ unanswered: expect.stringContaining(reason) })
})
