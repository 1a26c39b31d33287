import { ManualClock, seededRng } from '@fog/kernel'
import { assert, asyncProperty, integer, record } from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { type PeerId, peerIdOf } from '../peer-id.ts'
import { RoughNetwork, type Roughness } from '../testing/rough-network.ts'
import type { ByteStream } from './byte-stream.ts'
import { encodeFrame, parseFrame } from './frames.ts'
import { StreamMultiplexer } from './stream-multiplexer.ts'
import { FIRST_WINDOW_BYTES, type StreamOptions } from './stream-options.ts'

const [ANN, BOB, EVE] = [1, 2, 3].map((fill) => peerIdOf(new Uint8Array(32).fill(fill))) as [PeerId, PeerId, PeerId]

/** Two ends over a rough network. */
class Pair {
  readonly clock = new ManualClock()
  readonly network: RoughNetwork
  readonly ann: StreamMultiplexer
  readonly bob: StreamMultiplexer
  readonly taken: ByteStream[] = []

  constructor(seed = 1, roughness: Roughness = {}, options: Partial<StreamOptions> = {}) {
    this.network = new RoughNetwork(seededRng(seed), roughness)
    this.ann = this.join(ANN, options, 2 * seed)
    this.bob = this.join(BOB, options, 2 * seed + 1)
  }

  join(peer: PeerId, options: Partial<StreamOptions>, seed: number): StreamMultiplexer {
    const accept = peer === BOB ? (stream: ByteStream) => void this.taken.push(stream) : undefined
    const needs = { transport: this.network.join(peer), clock: this.clock, rng: seededRng(seed), accept }
    return new StreamMultiplexer(needs, options)
  }

  /** Lets all happen until the promise is settled. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    let isOver = false
    const over = () => void (isOver = true)
    promise.then(over, over)
    await this.network.run(this.clock, () => isOver)
    return promise
  }

  async nextTaken(): Promise<ByteStream> {
    await this.network.run(this.clock, () => this.taken.length > 0)
    return this.taken.shift()!
  }
}

async function readAll(stream: ByteStream): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for (let part = await stream.read(); part; part = await stream.read()) parts.push(part)
  return new Uint8Array(Buffer.concat(parts))
}

async function writeAll(stream: ByteStream, bytes: Uint8Array, step: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += step) await stream.write(bytes.slice(at, at + step))
  await stream.end()
}

describe('streams', () => {
  test('carry any bytes both ways, in order, whatever becomes of frames', { timeout: 120_000 }, async () => {
    const run = record({
      seed: integer({ min: 1, max: 1_000_000 }),
      up: integer({ min: 0, max: 60_000 }),
      down: integer({ min: 0, max: 60_000 }),
      step: integer({ min: 1, max: 9_000 }),
    })
    await assert(
      asyncProperty(run, async ({ seed, up, down, step }) => {
        const pair = new Pair(seed, { lost: 0.1, doubted: 0.1 }, { mostTries: 20, windowBytes: 80_000 })
        const rng = seededRng(seed)
        const [there, back] = [rng.bytes(up), rng.bytes(down)]
        const near = pair.ann.open(BOB)
        const written = writeAll(near, there, step)
        const far = await pair.nextTaken()
        const answered = writeAll(far, back, step)
        const both = await pair.settled(Promise.all([readAll(far), readAll(near), written, answered]))
        expect(Buffer.from(both[0]).equals(there)).toBe(true)
        expect(Buffer.from(both[1]).equals(back)).toBe(true)
        await pair.network.run(pair.clock, () => pair.ann.stats().streams + pair.bob.stats().streams === 0)
        expect(pair.bob.stats()).toMatchObject({ taken: 1, bufferedBytes: 0, malformed: 0 })
      }),
      { numRuns: 40 },
    )
  })

  test('never give wrong bytes when frames vanish unheard: they end at both sides', { timeout: 120_000 }, async () => {
    await assert(
      asyncProperty(integer({ min: 1, max: 1_000_000 }), async (seed) => {
        const pair = new Pair(seed, { vanished: 0.2 }, { mostIdleMs: 5_000, probeMs: 2_000 })
        const content = seededRng(seed).bytes(30_000)
        const near = pair.ann.open(BOB)
        near.write(content).catch(() => undefined)
        let read = new Uint8Array()
        await pair.network.run(pair.clock, () => pair.taken.length > 0 || pair.ann.stats().streams === 0)
        void pair.taken[0]
          ?.read()
          .then(async function more(part): Promise<void> {
            if (!part) return
            read = new Uint8Array(Buffer.concat([read, part]))
            await pair.taken[0]!.read().then(more)
          })
          .catch(() => undefined)
        await pair.network.run(pair.clock, () => pair.ann.stats().streams + pair.bob.stats().streams === 0)
        expect(Buffer.from(content.subarray(0, read.length)).equals(read)).toBe(true)
        await expect(near.read()).rejects.toMatchObject({ code: expect.stringMatching(/^streams\./) as string })
      }),
      { numRuns: 20 },
    )
  })
})

describe('a stream', () => {
  let pair: Pair
  beforeEach(() => {
    pair = new Pair()
  })

  test('ends each way by itself', async () => {
    const near = pair.ann.open(BOB)
    const asked = writeAll(near, Uint8Array.of(1, 2, 3), 3)
    const far = await pair.nextTaken()
    expect(await pair.settled(readAll(far))).toEqual(Uint8Array.of(1, 2, 3))
    await pair.settled(asked)
    await pair.settled(writeAll(far, Uint8Array.of(4), 1))
    expect(await pair.settled(readAll(near))).toEqual(Uint8Array.of(4))
  })

  test('puts what is written in one turn into one frame', async () => {
    const frames: number[] = []
    pair.network.onArrival = (_, frame) => frames.push(frame.length)
    const near = pair.ann.open(BOB)
    for (let i = 0; i < 20; i++) void near.write(Uint8Array.of(i))
    await pair.settled(near.end())
    expect(frames).toHaveLength(1)
  })

  test('sends no further than its reader lets it, and goes on when it reads', async () => {
    const content = seededRng(3).bytes(400_000)
    const near = pair.ann.open(BOB)
    const written = writeAll(near, content, 5_000)
    const far = await pair.nextTaken()
    await expect(pair.network.run(pair.clock, () => false, 500)).rejects.toThrow('nothing came of it')
    expect(pair.bob.stats().bufferedBytes).toBe(FIRST_WINDOW_BYTES)
    expect(pair.ann.stats().bufferedBytes).toBeLessThan(70_000)
    const [read] = await pair.settled(Promise.all([readAll(far), written]))
    expect(Buffer.from(read).equals(content)).toBe(true)
  })

  test('takes no more memory for many small pieces than for a large one', async () => {
    const rng = seededRng(4)
    const near = pair.ann.open(BOB)
    void near.write(Uint8Array.of(0))
    const far = await pair.nextTaken()
    for (let i = 1; i < 5_000; i++)
      far.takeData({
        kind: 'data',
        ...far.id,
        openedAt: undefined,
        offset: i,
        limit: 0,
        bytes: rng.bytes(1),
        isEnd: false,
      })
    expect((await far.read())!.length).toBeGreaterThan(500)
  })

  test('is broken off by either end, and the other hears of it', async () => {
    const near = pair.ann.open(BOB)
    void near.write(Uint8Array.of(1))
    const far = await pair.nextTaken()
    await far.read()
    near.cancel()
    await expect(pair.settled(far.read())).rejects.toMatchObject({
      code: 'streams.reset',
      facts: { why: 'it wants no more of it' },
    })
    await expect(far.write(Uint8Array.of(2))).rejects.toThrow('broke the stream off')
    expect(pair.ann.stats().streams + pair.bob.stats().streams).toBe(0)
  })

  test('that was broken off after all of it came can be read to its end', async () => {
    const near = pair.ann.open(BOB)
    const written = writeAll(near, Uint8Array.of(1, 2), 1)
    const far = await pair.nextTaken()
    await pair.settled(written)
    near.cancel()
    await pair.network.run(pair.clock, () => pair.bob.stats().streams === 0)
    expect(await readAll(far)).toEqual(Uint8Array.of(1, 2))
  })

  test('ends when its peer vanished, also where nobody writes', async () => {
    const near = pair.ann.open(BOB)
    void near.write(Uint8Array.of(1))
    await pair.nextTaken()
    await pair.network.run(pair.clock, () => !pair.network.step())
    pair.network.leave(BOB)
    await expect(pair.settled(near.read())).rejects.toMatchObject({ code: 'streams.peer_lost' })
  })

  test('ends when the other end was started anew', async () => {
    const near = pair.ann.open(BOB)
    void near.write(Uint8Array.of(1))
    await pair.nextTaken()
    pair.bob.close()
    pair.clock.advance(1_000)
    pair.join(BOB, {}, 99)
    void near.write(Uint8Array.of(2))
    await expect(pair.settled(near.read())).rejects.toMatchObject({ facts: { why: 'it does not know it (any more)' } })
  })

  test('ends at both sides when nothing happens on it for long', async () => {
    const near = pair.ann.open(BOB)
    void near.write(Uint8Array.of(1))
    const far = await pair.nextTaken()
    await far.read()
    for (let minute = 0; minute < 11; minute++) {
      pair.clock.advance(60_000)
      await pair.network.run(pair.clock, () => !pair.network.step())
    }
    await expect(pair.settled(near.read())).rejects.toThrow(/broke the stream off|came or went/)
    await expect(pair.settled(far.read())).rejects.toThrow(/broke the stream off|came or went/)
  })

  test('is not opened a second time by a frame that somebody kept', async () => {
    const kept: Uint8Array[] = []
    pair.network.onArrival = (_, frame) => kept.push(frame)
    const near = pair.ann.open(BOB)
    const written = writeAll(near, Uint8Array.of(1), 1)
    const far = await pair.nextTaken()
    await pair.settled(Promise.all([readAll(far), written, far.end()]))
    await pair.settled(readAll(near))
    const again = pair.network.join(ANN)
    await pair.settled(again.send(BOB, kept[0]!, AbortSignal.timeout(10_000)))
    expect(pair.bob.stats()).toMatchObject({ streams: 0, taken: 1 })
    // Nor at an end that was started since, and remembers nothing.
    pair.bob.close()
    pair.clock.advance(1_000)
    const anew = pair.join(BOB, {}, 99)
    await pair.settled(again.send(BOB, kept[0]!, AbortSignal.timeout(10_000)))
    expect(anew.stats()).toMatchObject({ streams: 0, taken: 0, refused: 1 })
  })
})

describe('of a peer that keeps to no rule', () => {
  /** What Eve sends, and what comes back to her. */
  function eve(pair: Pair) {
    const transport = pair.network.join(EVE)
    const answers: ReturnType<typeof parseFrame>[] = []
    transport.onFrame((_, frame) => answers.push(parseFrame(frame)))
    const say = (frame: Parameters<typeof encodeFrame>[0]) =>
      pair.settled(transport.send(BOB, encodeFrame(frame), AbortSignal.timeout(10_000)))
    return { say, answers }
  }
  const id = (number: number) => ({ session: 'eeeeeeeeeeeeeeee', number })
  const data = (number: number, offset: number, bytes: number, more: object = {}) =>
    ({
      kind: 'data',
      ...id(number),
      openedAt: undefined,
      offset,
      limit: 0,
      bytes: new Uint8Array(bytes),
      isEnd: false,
      ...more,
    }) as const

  test.each([
    ['more than was allowed', [data(1, FIRST_WINDOW_BYTES - 5, 10)]],
    ['two ends', [data(1, 0, 5, { isEnd: true }), data(1, 5, 5)]],
    ['another end', [data(1, 3, 5, { isEnd: true }), data(1, 1, 2, { isEnd: true })]],
    ['frames that overlap', [data(1, 5, 5), data(1, 8, 5), data(1, 0, 5)]],
    ['more pieces than may wait', Array.from({ length: 70 }, (_, i) => data(1, 2 * i + 1, 1))],
  ])('%s ends the stream', async (_, frames) => {
    const pair = new Pair()
    const { say, answers } = eve(pair)
    for (const frame of frames) await say({ ...frame, openedAt: pair.clock.now() })
    await pair.network.run(pair.clock, () => answers.length > 0)
    expect(answers[0]).toMatchObject({ kind: 'reset', reason: 'violated' })
    expect(pair.bob.stats()).toMatchObject({ streams: 0, bufferedBytes: 0 })
    await expect(pair.taken[0]!.write(Uint8Array.of(1))).rejects.toMatchObject({ code: 'streams.violated' })
  })

  test('too many streams are refused, and leave room for others', async () => {
    const pair = new Pair(1, {}, { mostStreamsPerPeer: 5 })
    const { say, answers } = eve(pair)
    for (let number = 1; number <= 8; number++) await say({ ...data(number, 0, 1), openedAt: pair.clock.now() })
    await pair.network.run(pair.clock, () => answers.length === 3)
    expect(answers).toMatchObject(answers.map(() => ({ kind: 'reset', reason: 'busy' })))
    expect(pair.bob.stats()).toMatchObject({ streams: 5, refused: 3 })
    void pair.ann.open(BOB).write(Uint8Array.of(1))
    await pair.network.run(pair.clock, () => pair.taken.length === 6)
  })

  test('frames about nothing are answered, and those that are none are counted', async () => {
    const pair = new Pair()
    const { say, answers } = eve(pair)
    await say(data(1, 0, 1))
    await say({ kind: 'window', ...id(2), limit: 5 })
    await pair.network.run(pair.clock, () => answers.length === 2)
    expect(answers).toMatchObject(answers.map(() => ({ kind: 'reset', reason: 'unknown' })))
    await pair.settled(pair.network.join(EVE).send(BOB, Uint8Array.of(1, 2, 3), AbortSignal.timeout(10_000)))
    expect(pair.bob.stats()).toMatchObject({ streams: 0, malformed: 1 })
  })

  test('streams cannot be touched by another peer', async () => {
    const pair = new Pair()
    const near = pair.ann.open(BOB)
    void near.write(Uint8Array.of(1))
    const far = await pair.nextTaken()
    await far.read()
    await eve(pair).say({ kind: 'reset', ...far.id, reason: 'cancelled' })
    await pair.settled(writeAll(near, Uint8Array.of(2), 1))
    expect(await readAll(far)).toEqual(Uint8Array.of(2))
  })

  test('who takes no streams says so', async () => {
    const pair = new Pair()
    const stream = pair.bob.open(ANN)
    void stream.write(Uint8Array.of(1)).catch(() => undefined)
    await expect(pair.settled(stream.read())).rejects.toMatchObject({ facts: { why: 'it takes no streams' } })
  })
})
