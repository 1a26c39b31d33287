import { Worker } from 'node:worker_threads'
import { seededRng } from '@fog/kernel'
import { expect, test } from 'vitest'
import { ReplayFilter, REPLAY_TAG_BYTES, replayFilterBytes } from './replay-filter.ts'

function makeTags(count: number, seed: number): Uint8Array {
  return seededRng(seed).bytes(count * REPLAY_TAG_BYTES)
}

test('a tag is new once, and known ever after', () => {
  const count = 50_000
  const tags = makeTags(count, 1)
  const filter = new ReplayFilter(new ArrayBuffer(replayFilterBytes(count)))
  const isNew = (i: number) => filter.note(tags, i * REPLAY_TAG_BYTES)
  let taken = 0
  for (let i = 0; i < count; i++) if (isNew(i)) taken += 1
  // False alarms: about 1 in 100,000.
  expect(taken).toBeGreaterThan(count - 10)
  for (let i = 0; i < count; i++) expect(isNew(i)).toBe(false)
})

test('a full filter takes about one new tag in 100,000 for known', () => {
  const count = 200_000
  const memory = new ArrayBuffer(replayFilterBytes(count))
  const bitsPerTag = (memory.byteLength * 8) / count
  const filter = new ReplayFilter(memory)
  // Filled to what it was sized for, whatever the power of two.
  const fill = makeTags(Math.floor((count * bitsPerTag) / 35), 2)
  for (let at = 0; at < fill.length; at += REPLAY_TAG_BYTES) filter.note(fill, at)
  const fresh = makeTags(50_000, 3)
  let alarms = 0
  for (let at = 0; at < fresh.length; at += REPLAY_TAG_BYTES) if (!filter.note(fresh, at)) alarms += 1
  expect(alarms).toBeLessThan(6)
})

test('of threads that meet the same packets at the same time, one takes each', async () => {
  const count = 100_000
  const tags = new Uint8Array(new SharedArrayBuffer(count * REPLAY_TAG_BYTES))
  tags.set(makeTags(count, 4))
  const memory = new SharedArrayBuffer(replayFilterBytes(count))
  const gate = new SharedArrayBuffer(4)
  const takers = [1, 2, 3].map(() => noteAllInThread({ tags, memory, gate, threads: 3 }))
  const taken = (await Promise.all(takers)).reduce((sum, each) => sum + each, 0)
  expect(taken).toBeGreaterThan(count - 10)
  expect(taken).toBeLessThanOrEqual(count)
})

function noteAllInThread(shared: {
  readonly tags: Uint8Array
  readonly memory: SharedArrayBuffer
  readonly gate: SharedArrayBuffer
  readonly threads: number
}): Promise<number> {
  const filter = new URL('./replay-filter.ts', import.meta.url).href
  const code = `
    import { parentPort, workerData } from 'node:worker_threads'
    const { ReplayFilter, REPLAY_TAG_BYTES } = await import('${filter}')
    const { tags, memory, gate, threads } = workerData
    const filter = new ReplayFilter(memory)
    const waiting = new Int32Array(gate)
    Atomics.add(waiting, 0, 1)
    while (Atomics.load(waiting, 0) < threads);
    let taken = 0
    for (let at = 0; at < tags.length; at += REPLAY_TAG_BYTES) if (filter.note(tags, at)) taken += 1
    parentPort.postMessage(taken)
  `
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { workerData: shared })
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

test('its memory is a power of two of bits, enough for the tags', () => {
  expect(replayFilterBytes(30_000_000)).toBe(2 ** 30 / 8)
  expect(replayFilterBytes(1)).toBe(2048)
  for (const tags of [10, 1000, 1_000_000]) expect(replayFilterBytes(tags) * 8).toBeGreaterThanOrEqual(35 * tags)
})
