import { connect } from 'node:net'
import { BODY_AT, FRAME_OVERHEAD_BYTES, FrameReader, LINK_MESSAGE, LinkSession } from '@fog/betanet'
import { suites } from '@fog/betanet/sphinx'
import { monotonicMs, noiseSuite } from '@fog/kernel/node'
import type { GeneratorOrder, GeneratorReport } from './generator.ts'
import { buildStock, type PacketStock } from './packets.ts'

/**
 * Sends packets built beforehand at a set rate, whatever becomes of them: open loop. Each link has a session of its own, as
 * another node's threads would.
 */
let packetBytes = 0
const PACKETS_A_FRAME = 16
const noise = noiseSuite()
/** By the parity of the epoch they were made for. */
const stocks: PacketStock[] = []
let links: readonly Out[] = []
let next = 0

interface Out {
  readonly session: LinkSession
  readonly write: (bytes: Uint8Array) => void
  readonly unsent: () => number
}

process.on('message', (order: GeneratorOrder) => {
  void obey(order)
})

async function obey(order: GeneratorOrder): Promise<void> {
  if (order.type === 'build') {
    packetBytes = suites[order.suite].geometry.packetBytes
    const stock = await buildStock(order.suite, order.path, order.count, order)
    stocks[order.epochParity ?? 0] = stock
    return tell({ type: 'built', prints: Float64Array.from(new Float64Array(stock.prints)) })
  }
  if (order.type === 'connect') {
    const opening = order.ports.map((port) => open(port, order))
    links = await Promise.all(opening)
    return tell({ type: 'connected' })
  }
  if (order.type === 'send') {
    next += order.packets
    return tell(await send(stocks[0]!, next - order.packets, order))
  }
  if (order.type === 'send_stock') {
    const stock = stocks[order.parity]!
    return tell(await send(stock, 0, { packets: stock.count, perSecond: order.perSecond }))
  }
  return process.exit()
}

async function open(port: number, { own, remote }: Extract<GeneratorOrder, { type: 'connect' }>): Promise<Out> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  const session = new LinkSession(noise, { own, remote })
  const reader = new FrameReader()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.once('error', reject)
  socket.on('data', (piece: Uint8Array) => {
    if (session.isOpen) return
    reader.push(piece)
    for (let body = reader.next(); body; body = reader.next()) {
      const answer = session.shake(body)
      if (answer) socket.write(answer)
      if (session.isOpen) resolve()
    }
  })
  socket.write(session.begin())
  await promise
  return { session, write: (bytes) => void socket.write(bytes), unsent: () => socket.writableLength }
}

/** Every millisecond what is due by then; answers when each packet was handed to its link. */
function send(
  stock: PacketStock,
  first: number,
  { packets, perSecond }: { readonly packets: number; readonly perSecond: number },
): Promise<GeneratorReport> {
  const sentAt = new Float64Array(packets)
  const bytes = Buffer.from(stock.memory)
  const startedAt = monotonicMs()
  let sent = 0
  let turn = 0
  let mostUnsent = 0
  const { promise, resolve } = Promise.withResolvers<GeneratorReport>()
  const step = () => {
    const now = monotonicMs()
    const due = Math.min(packets, Math.floor(((now - startedAt) * perSecond) / 1000))
    while (sent < due) {
      const count = Math.min(PACKETS_A_FRAME, due - sent)
      const link = links[turn++ % links.length]!
      const frame = Buffer.allocUnsafeSlow(FRAME_OVERHEAD_BYTES + count * packetBytes)
      bytes.copy(frame, BODY_AT, (first + sent) * packetBytes, (first + sent + count) * packetBytes)
      link.write(link.session.seal(frame, LINK_MESSAGE.packets, count * packetBytes))
      sentAt.fill(performance.timeOrigin + now, sent, sent + count)
      sent += count
      mostUnsent = Math.max(mostUnsent, link.unsent())
    }
    if (sent < packets) return void setTimeout(step, 1)
    const { user, system } = process.cpuUsage()
    const tookMs = monotonicMs() - startedAt
    resolve({ type: 'sent', first, sentAt, tookMs, mostUnsent, cpuMicroseconds: user + system })
  }
  step()
  return promise
}

function tell(report: GeneratorReport): void {
  process.send!(report)
}
