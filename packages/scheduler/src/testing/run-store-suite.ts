import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RunHistory } from '../prediction/run-history.ts'
import { START } from './fixtures.ts'
import type { JobStoreUnderTest } from './job-store-suite.ts'

/** What `runs` of every `JobStore` must do. Runs as a Vitest suite; `make` is called before each test. */
export function describeRunStore(name: string, make: () => Promise<JobStoreUnderTest>): void {
  // oxlint-disable-next-line vitest/valid-title -- each store names its own suite
  describe(name, () => {
    let under: JobStoreUnderTest
    const transact: JobStoreUnderTest['transact'] = (work) => under.transact(work)

    beforeEach(async () => {
      under = await make()
    })
    afterEach(() => under.close())

    const history = (key: string, learnedAt: number, part: Partial<RunHistory> = {}): RunHistory => ({
      key,
      runs: [{ cpuMs: 1_000, restMs: 12.5, fuel: 9_007_199_254_740_000 }],
      speed: 1.25,
      learnedAt,
      ...part,
    })

    test('finds histories by their keys, replaces them, and drops those nothing was learned of for long', async () => {
      const [a, b, c] = [history('a', START), history('b', START + 5), history('c', START + 9)]
      await transact(({ runs }) => runs.keep([c, a, b]))
      expect(await transact(({ runs }) => runs.recall(['c', 'a', 'x', 'a']))).toEqual([a, c])
      const newer = history('a', START + 20, { runs: [], speed: 0.5 })
      await transact(({ runs }) => runs.keep([newer]))
      expect(await transact(({ runs }) => runs.recall(['a']))).toEqual([newer])
      expect(await transact(({ runs }) => runs.forget(START + 9, 10))).toBe(1)
      expect(await transact(({ runs }) => runs.recall(['a', 'b', 'c']))).toEqual([newer, c])
    })

    test('takes none as well as many', async () => {
      await transact(({ runs }) => runs.keep([]))
      expect(await transact(({ runs }) => runs.recall([]))).toEqual([])
    })

    test('leaves histories as they were when a transaction fails', async () => {
      const work = transact(async ({ runs }) => {
        await runs.keep([history('gone', START)])
        throw new Error('taken back')
      })
      await expect(work).rejects.toThrow('taken back')
      expect(await transact(({ runs }) => runs.recall(['gone']))).toEqual([])
    })
  })
}
