import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PeerId } from '../peer-id.ts'
import type { Transport } from '../transport.ts'

/** Two peers that reach each other over one kind of transport, and a peer nobody reaches. */
export interface TransportPair {
  readonly a: { readonly peer: PeerId; readonly transport: Transport }
  readonly b: { readonly peer: PeerId; readonly transport: Transport }
  readonly nobody: PeerId
  close(): Promise<void>
}

const LONG_ENOUGH_MS = 30_000

/** What every transport must do. */
export function describeTransport(name: string, open: () => Promise<TransportPair>): void {
  describe(`the transport ${name}`, () => {
    let pair: TransportPair
    beforeEach(async () => {
      pair = await open()
    }, LONG_ENOUGH_MS)
    afterEach(() => pair.close())

    test(
      'carries frames of any size both ways, whole and from whom they say',
      { timeout: LONG_ENOUGH_MS },
      async () => {
        const { a, b } = pair
        const sizes = [0, 1, 1500, Math.min(a.transport.maxFrameBytes, 20_000)]
        for (const [from, to] of [
          [a, b],
          [b, a],
        ] as const) {
          for (const size of sizes) {
            const frame = new Uint8Array(size).fill(size % 251)
            const arrived = nextFrame(to.transport)
            await from.transport.send(to.peer, frame, AbortSignal.timeout(LONG_ENOUGH_MS))
            expect(await arrived).toEqual({ from: from.peer, frame })
          }
        }
      },
    )

    test('carries many frames, each once', { timeout: LONG_ENOUGH_MS }, async () => {
      const { a, b } = pair
      const seen: number[] = []
      const { promise, resolve } = Promise.withResolvers<void>()
      b.transport.onFrame((_, frame) => {
        seen.push(frame[0]!)
        if (seen.length === 20) resolve()
      })
      const sends = Array.from({ length: 20 }, (_, i) =>
        a.transport.send(b.peer, Uint8Array.of(i), AbortSignal.timeout(LONG_ENOUGH_MS)),
      )
      await Promise.all([...sends, promise])
      expect(seen.toSorted((x, y) => x - y)).toEqual(Array.from({ length: 20 }, (_, i) => i))
    })

    test('keeps no hold on the sender’s bytes', { timeout: LONG_ENOUGH_MS }, async () => {
      const { a, b } = pair
      const frame = Uint8Array.of(1, 2, 3)
      const arrived = nextFrame(b.transport)
      const sent = a.transport.send(b.peer, frame, AbortSignal.timeout(LONG_ENOUGH_MS))
      frame.fill(9)
      await sent
      expect((await arrived).frame).toEqual(Uint8Array.of(1, 2, 3))
    })

    test('refuses a frame that is too long, with both sizes', async () => {
      const { a, b } = pair
      const frame = new Uint8Array(a.transport.maxFrameBytes + 1)
      const sent = a.transport.send(b.peer, frame, AbortSignal.timeout(LONG_ENOUGH_MS))
      await expect(sent).rejects.toMatchObject({ code: 'transport.frame_too_long' })
    })

    test('stops at the signal, before it sent anything', async () => {
      const { a, b } = pair
      const sent = a.transport.send(b.peer, Uint8Array.of(1), AbortSignal.abort(new Error('enough')))
      await expect(sent).rejects.toThrow('enough')
    })

    test('says that a peer cannot be reached', { timeout: LONG_ENOUGH_MS }, async () => {
      const sent = pair.a.transport.send(pair.nobody, Uint8Array.of(1), AbortSignal.timeout(LONG_ENOUGH_MS))
      await expect(sent).rejects.toMatchObject({ code: 'transport.peer_unreachable' })
    })
  })
}

function nextFrame(transport: Transport): Promise<{ from: PeerId; frame: Uint8Array }> {
  return new Promise((resolve) => {
    const stop = transport.onFrame((from, frame) => {
      stop()
      resolve({ from, frame })
    })
  })
}
