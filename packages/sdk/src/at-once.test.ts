import { expect, test } from 'vitest'
import { forEachAtOnce } from './at-once.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('no more than so many run at a time, and all are done', async () => {
  let [running, most] = [0, 0]
  const done: number[] = []
  await forEachAtOnce([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    running += 1
    most = Math.max(most, running)
    await turn()
    running -= 1
    done.push(item)
  })
  expect(most).toBe(3)
  expect(done.length).toBe(7)
})

test('the first fault is thrown once all that were begun have ended, and nothing further is begun', async () => {
  const begun: number[] = []
  let ended = 0
  const work = forEachAtOnce([1, 2, 3, 4, 5, 6], 2, async (item) => {
    begun.push(item)
    await turn()
    if (item === 1) throw new Error('one')
    await turn()
    ended += 1
  })
  await expect(work).rejects.toThrow('one')
  expect(begun.length).toBeLessThan(4)
  expect(ended).toBe(begun.length - 1)
})
