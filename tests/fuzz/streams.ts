import { encodeFrame, FIRST_WINDOW_BYTES, parseFrame, type StreamFrame } from '@fog/p2p'
import { assert, concat, equalBytes } from '@fog/kernel'
import { ByteBudget } from '../../packages/p2p/src/streams/byte-budget.ts'
import { IncomingBytes } from '../../packages/p2p/src/streams/incoming-bytes.ts'
import { OpenedStreams } from '../../packages/p2p/src/streams/opened-streams.ts'
import type { FuzzTarget } from './target.ts'

const ID = { session: '0123456789abcdef', number: 1 }
const FRAMES: readonly StreamFrame[] = [
  { kind: 'data', ...ID, openedAt: 1_000, offset: 0, limit: 5, bytes: Uint8Array.of(1, 2, 3), isEnd: false },
  { kind: 'data', ...ID, openedAt: undefined, offset: 6, limit: 5, bytes: Uint8Array.of(7, 8), isEnd: true },
  { kind: 'data', ...ID, openedAt: undefined, offset: 3, limit: 5, bytes: Uint8Array.of(4, 5, 6), isEnd: false },
  { kind: 'window', ...ID, limit: 70_000 },
  { kind: 'reset', ...ID, reason: 'cancelled' },
]

/** One frame: it is read in one way only, and written again as it was. */
export const streamFrame: FuzzTarget = {
  corpus: 'packages/p2p/corpus/stream-frame',
  seeds: () => FRAMES.map(encodeFrame),
  run: (input) => {
    const frame = parseFrame(input)
    if (frame) assert(equalBytes(encodeFrame(frame), input), 'a frame has one encoding')
  },
}

const WINDOW_BYTES = 80_000
const MOST_SCATTERED = 4
const BUDGET_BYTES = 70_000

/** Frames one after the other, a byte of length before each, to a stream that is read now and then: what a peer can have one take. */
export const streamBytes: FuzzTarget = {
  corpus: 'packages/p2p/corpus/stream-bytes',
  seeds: () => {
    const lines = FRAMES.map((frame) => {
      const bytes = encodeFrame(frame)
      return concat(Uint8Array.of(bytes.length), bytes)
    })
    return [concat(...lines), concat(...lines.toReversed()), concat(lines[0]!, lines[0]!, lines[2]!)]
  },
  run: (input) => {
    const budget = new ByteBudget(BUDGET_BYTES)
    assert(budget.take(FIRST_WINDOW_BYTES), 'there is room for one stream')
    const incoming = new IncomingBytes(budget, { windowBytes: WINDOW_BYTES, mostScattered: MOST_SCATTERED })
    const opened = new OpenedStreams(500, 2)
    let [readTo, limit] = [0, FIRST_WINDOW_BYTES]
    for (let at = 0, turn = 0; at < input.length; at += 1 + input[at]!, turn++) {
      const frame = parseFrame(input.subarray(at + 1, at + 1 + input[at]!))
      if (frame?.kind === 'data') {
        opened.note('peer', frame, frame.openedAt ?? 0, turn)
        incoming.take(frame.offset, frame.bytes, frame.isEnd)
      }
      if (turn % 3 === 2) readTo += incoming.read()?.length ?? 0
      if (turn % 2 === 1) limit = Math.max(limit, incoming.grant())
      assert(incoming.bufferedBytes <= limit - readTo, 'no more is held than was promised')
      assert(budget.taken <= BUDGET_BYTES && opened.size <= 2, 'memory is bounded')
    }
    incoming.drop()
    assert(budget.taken === 0, 'what was promised is given back')
  },
}
