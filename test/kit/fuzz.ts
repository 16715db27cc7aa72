// Random tests that can be run again: `FUZZ_SEED=… FUZZ_RUNS=…`.

import fc from 'fast-check'
import type { Test } from 'tap'

const seed = Number(process.env.FUZZ_SEED ?? 4271)
const numRuns = Number(process.env.FUZZ_RUNS ?? 1000)

/** Holds a property against random input, and prints the seed. A counterexample fails the test. */
export function fuzz<T>(t: Test, property: fc.IPropertyWithHooks<T>): void {
  t.comment(`seed ${seed}, ${numRuns} runs`)
  fc.assert(property, { seed, numRuns })
  t.pass('holds')
}
