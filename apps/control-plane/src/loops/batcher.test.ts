import { expect, test } from 'vitest'
import { systemClock } from '@fog/kernel/node'
import { Batcher } from './batcher.ts'

const OPTIONS = { gatherMs: 0, maxBatch: 3, maxWaiting: 10 }

function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: resolve }
}

test('what comes while one batch runs shares the next, in order and bounded', async () => {
  const batches: number[][] = []
  const first = gate()
  const batcher = new Batcher<number, number>({ clock: systemClock }, OPTIONS, async (items) => {
    batches.push([...items])
    if (batches.length === 1) await first.opened
    return items.map((item) => item * 10)
  })
  const answers = [1, 2, 3, 4, 5].map((item) => batcher.add(item)!)
  first.open()
  expect(await Promise.all(answers)).toEqual([10, 20, 30, 40, 50])
  expect(batches.flat()).toEqual([1, 2, 3, 4, 5])
  expect(Math.max(...batches.map(({ length }) => length))).toBeLessThanOrEqual(OPTIONS.maxBatch)
})

test('a bad item costs only itself', async () => {
  const batcher = new Batcher<number, number>({ clock: systemClock }, OPTIONS, async (items) => {
    if (items.includes(2)) throw new Error('two is bad')
    return items
  })
  const [one, two, three] = [1, 2, 3].map((item) => batcher.add(item)!)
  await expect(two).rejects.toThrow('two is bad')
  expect([await one, await three]).toEqual([1, 3])
})

test('a full queue refuses, and takes more once it has room', async () => {
  const held = gate()
  const batcher = new Batcher<number, number>({ clock: systemClock }, { ...OPTIONS, maxWaiting: 2 }, async (items) => {
    await held.opened
    return items
  })
  const taken = [1, 2].map((item) => batcher.add(item))
  // The first batch has left the queue, so two more fit.
  const more = [3, 4, 5].map((item) => batcher.add(item))
  expect(more.at(-1)).toBeUndefined()
  held.open()
  await Promise.all([...taken, ...more])
  await batcher.drain()
  expect(batcher.size).toBe(0)
  expect(await batcher.add(6)).toBe(6)
})
