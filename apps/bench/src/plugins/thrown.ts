/** What was thrown, in one line: it may be anything. */
export const thrownText = (thrown: unknown): string =>
  (thrown instanceof Error ? thrown.message : typeof thrown === 'string' ? thrown : `it threw ${String(thrown)}`).split(
    '\n',
  )[0]!
