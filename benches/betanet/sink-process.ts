import { createServer } from 'node:net'
import { FRAME_OVERHEAD_BYTES, FrameReader, LINK_MESSAGE, LinkSession, MAX_BODY_BYTES } from '@fog/betanet'
import { HopUnwrapper, type SphinxSuite, suites } from '@fog/betanet/sphinx'
import { monotonicMs, noiseSuite } from '@fog/kernel/node'
import { printOf, sequenceOf } from './packets.ts'
import type { SinkOrder, SinkReport } from './sink.ts'

/**
 * The far end: keeps every packet that comes and when, and afterwards unwraps and checks each. Checking in the same seconds
 * would take as much of the two cores as the node that is measured.
 */
let suite: SphinxSuite = suites.betanetKemX25519
const noise = noiseSuite()
let packets = Buffer.alloc(0)
let arrivedAt = new Float64Array(0)
let received = 0
/** When packets are only counted: the number of each by what it is known by, and how often it came. */
const numbers = new Map<number, number>()
let seen = new Uint8Array(0)
let unknown = 0
let settled: (() => void) | undefined
let expected = Infinity

process.on('message', (order: SinkOrder) => {
  void obey(order)
})

async function obey(order: SinkOrder): Promise<void> {
  if (order.type === 'start') {
    suite = suites[order.suite]
    const { packetBytes } = suite.geometry
    packets = Buffer.from(new ArrayBuffer(order.most * packetBytes))
    arrivedAt = new Float64Array(order.most)
    const server = createServer((socket) => {
      const session = new LinkSession(noise, { own: order.linkKeys })
      const reader = new FrameReader()
      const scratch = Buffer.alloc(MAX_BODY_BYTES + 1)
      socket.on('data', (piece: Uint8Array) => {
        reader.push(piece)
        for (let body = reader.next(); body; body = reader.next()) {
          if (session.isOpen) {
            keep(scratch, session.open(body, scratch))
            if (scratch[0] === LINK_MESSAGE.ping) {
              socket.write(session.seal(Buffer.alloc(FRAME_OVERHEAD_BYTES), LINK_MESSAGE.pong, 0))
            }
          } else {
            const answer = session.shake(body)
            if (answer) socket.write(answer)
          }
        }
      })
    })
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      tell({ type: 'listening', port: typeof address === 'object' && address ? address.port : 0 })
    })
    return undefined
  }
  if (order.type === 'await') {
    expected = order.packets
    const timer = setTimeout(() => settled?.(), order.mostMs)
    if (received < expected) await new Promise<void>((resolve) => (settled = resolve))
    clearTimeout(timer)
    return tell({ type: 'received', packets: received })
  }
  if (order.type === 'expect') {
    const first = seen.length
    order.prints.forEach((print, i) => numbers.set(print, first + i))
    seen = new Uint8Array(first + order.prints.length)
    return tell({ type: 'expecting' })
  }
  if (order.type === 'tally') return tell(tally(order.from, order.until))
  if (order.type === 'verify') return tell(verify(order.secretKey, order.count))
  return process.exit()
}

function keep(scratch: Buffer, bytes: number): void {
  if (scratch[0] !== LINK_MESSAGE.packets) return
  if (numbers.size > 0) return count(scratch, bytes)
  const { packetBytes } = suite.geometry
  const now = performance.timeOrigin + monotonicMs()
  for (let at = 1; at < bytes; at += packetBytes, received++) {
    scratch.copy(packets, received * packetBytes, at, at + packetBytes)
    arrivedAt[received] = now
  }
  if (received >= expected) settled?.()
}

function count(scratch: Buffer, bytes: number): void {
  const { packetBytes } = suite.geometry
  for (let at = 1; at < bytes; at += packetBytes, received++) {
    const number = numbers.get(printOf(scratch.subarray(at, at + packetBytes)))
    if (number === undefined) unknown += 1
    else seen[number]! += 1
  }
}

function tally(from: number, until: number): SinkReport {
  const asked = seen.subarray(from, until)
  const missing = asked.reduce((sum, times) => sum + (times === 0 ? 1 : 0), 0)
  const all = asked.reduce((sum, times) => sum + times, 0)
  const once = asked.length - missing
  asked.fill(0)
  return { type: 'tallied', once, missing, repeated: all - once, unknown }
}

/** Unwraps every packet: when each number arrived, and how many were broken or came twice. */
function verify(secretKey: Uint8Array, count: number): SinkReport {
  const hop = new HopUnwrapper(suite, secretKey)
  const { packetBytes, blockAt, tagBytes } = suite.geometry
  const at = new Float64Array(count)
  let broken = 0
  let repeated = 0
  for (let i = 0; i < received; i++) {
    if (hop.unwrap(packets, i * packetBytes) !== 'deliver') {
      broken += 1
      continue
    }
    const from = i * packetBytes + blockAt + tagBytes
    const sequence = sequenceOf(packets.subarray(from, from + 4))
    if (sequence >= count || at[sequence] !== 0) repeated += 1
    else at[sequence] = arrivedAt[i]!
  }
  return { type: 'verified', received, broken, repeated, arrivedAt: at }
}

function tell(report: SinkReport): void {
  process.send!(report)
}
