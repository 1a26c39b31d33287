import {
  encodeAck,
  encodeAsk,
  encodeFragmentContent,
  encodeLoop,
  Incoming,
  type IncomingOptions,
  parseContent,
  splitMessage,
} from '@fog/betanet'
import { parseDelivery } from '@fog/betanet/node'
import { geometry, suites } from '@fog/betanet/sphinx'
import { assert, concat, equalBytes, ManualClock } from '@fog/kernel'
import type { FuzzTarget } from './target.ts'

/** Of small packets: reply blocks are as long as in others, and the fuzzer gets on faster. */
const suite = suites.betanetKemX25519Small
const STARTS_AT = 1_000_000
const MOST_BYTES = 6_000
const LIMITS: IncomingOptions = {
  mostMessageBytes: 3_000,
  mostUnfinished: 3,
  mostUnfinishedBytes: MOST_BYTES,
  unfinishedMs: 2_000,
  mostRemembered: 5,
  mostAgeMs: 1_000,
  maxSkewMs: 100,
  mostHeldAnswers: 2,
}
const CONTENT_BYTES = 1_000

/** Contents of 1,000 bytes each, from the sender that the first byte names: what any peer can have a client read. */
export const clientContents: FuzzTarget = {
  corpus: 'packages/betanet/corpus/client-contents',
  seeds: () => {
    const surb = new Uint8Array(geometry(suite).surbBytes).fill(1, 0, 1)
    const id = new Uint8Array(16).fill(7)
    const parts = splitMessage(id, new Uint8Array(250).fill(5), 100)
    return [
      joined(parts.map((part) => encodeFragmentContent(STARTS_AT, part, surb))),
      joined([encodeAsk(STARTS_AT, { messageId: id, count: 3, surb }), encodeFragmentContent(STARTS_AT, parts[0]!)]),
      joined([encodeLoop(STARTS_AT, id)]),
    ]
  },
  run: (input) => {
    const clock = new ManualClock(STARTS_AT)
    const incoming = new Incoming({ clock }, LIMITS)
    for (let at = 0; at < input.length; at += CONTENT_BYTES + 1) {
      const from = new Uint8Array(32).fill(input[at]! & 3)
      const content = parseContent(suite, input.subarray(at + 1, at + 1 + CONTENT_BYTES))
      if (!content || content.kind === 'loop') continue
      const arrival = incoming.take(from, content, clock.now(), 50)
      assert(arrival.status !== 'whole' || arrival.message.length <= 3_000, 'no message is longer than allowed')
      clock.advance(input[at]!)
      for (const { ack } of [...arrival.answers, ...incoming.due(clock.now())]) encodeAck(ack)
      const { unfinished, bytes, remembered, heldAnswers } = incoming.stats
      assert(unfinished <= 3 && bytes <= MOST_BYTES && remembered <= 5 && heldAnswers <= 2, 'memory is bounded')
    }
  },
}

function joined(contents: readonly Uint8Array[]): Uint8Array {
  return concat(
    ...contents.map((content) => concat(Uint8Array.of(1), content, new Uint8Array(CONTENT_BYTES - content.length))),
  )
}

/** What a gateway hands its client. */
export const delivery: FuzzTarget = {
  corpus: 'packages/betanet/corpus/delivery',
  seeds: () => [
    concat(new Uint8Array(16).fill(1), Uint8Array.of(1), new Uint8Array(60)),
    concat(new Uint8Array(16).fill(2), Uint8Array.of(2), new Uint8Array(40).fill(9)),
    concat(new Uint8Array(16).fill(3), Uint8Array.of(3), new Uint8Array(40).fill(8)),
  ],
  run: (input) => {
    const parsed = parseDelivery(input)
    if (!parsed) return
    assert(equalBytes(parsed.id, input.subarray(0, 16)) && parsed.id.length === 16, 'a delivery has its id')
    assert(!parsed.isCover || (parsed.surbId === undefined && parsed.body.length === 0), 'cover brings nothing')
    assert(parsed.surbId === undefined || parsed.surbId.length === 16, 'a reply names its block')
    assert(parsed.body.length < input.length, 'nothing is made up')
  },
}
