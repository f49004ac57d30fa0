const given = process.env.ALIBI_TEST_SEED
const anyOther = process.env.CI ? 1 : Date.now() % 1_000_000

/**
 * Where a file's random numbers begin: ALIBI_TEST_SEED, in CI 1, otherwise another one in each run. Names of tests print it, so
 * that `ALIBI_TEST_SEED=… vitest run …` repeats a failure.
 */
export const seed = given === undefined ? anyOther : Number(given)
