import { Worker } from 'node:worker_threads'
import type { SuiteName } from '@fog/betanet/node'
import { buildPacket, HopUnwrapper, type PathHop, suites } from '@fog/betanet/sphinx'
import { blake2bInto, systemRng } from '@fog/kernel/node'

const SEQUENCE_BYTES = 4

/** Packets built beforehand, back to back in shared memory; each payload begins with its number. */
export interface PacketStock {
  readonly memory: SharedArrayBuffer
  readonly count: number
  /** What each is known by after its first hop, see `printOf`; zero where no key for that was given. */
  readonly prints: SharedArrayBuffer
}

export interface StockOptions {
  /** Of the first hop's epoch. */
  readonly epochParity?: 0 | 1
  /** The first hop's key, so that it is known beforehand how packets leave it. */
  readonly firstHopKey?: Uint8Array | undefined
}

interface Order extends StockOptions {
  readonly suite: SuiteName
  readonly memory: SharedArrayBuffer
  readonly prints: SharedArrayBuffer
  readonly from: number
  readonly until: number
  readonly path: readonly PathHop[]
}

/** Builds so many packets along the path, on two threads. */
export async function buildStock(
  suite: SuiteName,
  path: readonly PathHop[],
  count: number,
  options: StockOptions = {},
): Promise<PacketStock> {
  const { packetBytes } = suites[suite].geometry
  const memory = new SharedArrayBuffer(count * packetBytes)
  const prints = new SharedArrayBuffer(count * Float64Array.BYTES_PER_ELEMENT)
  const half = Math.ceil(count / 2)
  const common = { ...options, suite, memory, prints, path }
  const orders: Order[] = [
    { ...common, from: 0, until: half },
    { ...common, from: half, until: count },
  ]
  await Promise.all(orders.map(buildInThread))
  return { memory, count, prints }
}

/** A number of 48 bits that stands for every byte of a packet. */
export function printOf(packet: Buffer): number {
  blake2bInto(digest, packet)
  return digest.readUIntBE(0, 6)
}

const digest = Buffer.alloc(32)

/** The number a payload begins with. */
export function sequenceOf(payload: Uint8Array): number {
  return Buffer.from(payload.buffer, payload.byteOffset, SEQUENCE_BYTES).readUInt32BE()
}

/** Builds one order: run by the thread of `buildInThread`. */
export function build({ suite: name, memory, prints, from, until, path, epochParity = 0, firstHopKey }: Order): void {
  const suite = suites[name]
  const { packetBytes } = suite.geometry
  const bytes = new Uint8Array(memory)
  const payload = Buffer.alloc(SEQUENCE_BYTES)
  const hop = firstHopKey && new HopUnwrapper(suite, firstHopKey)
  const printed = new Float64Array(prints)
  const onward = Buffer.alloc(packetBytes)
  for (let i = from; i < until; i++) {
    payload.writeUInt32BE(i)
    const packet = buildPacket(suite, path, payload, systemRng, { epochParity })
    bytes.set(packet, i * packetBytes)
    if (!hop) continue
    onward.set(packet)
    hop.unwrap(onward, 0)
    printed[i] = printOf(onward)
  }
}

function buildInThread(order: Order): Promise<void> {
  const code = `
    import { parentPort, workerData } from 'node:worker_threads'
    const { build } = await import('${import.meta.url}')
    build(workerData)
    parentPort.postMessage('done')
  `
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { workerData: order })
    worker.once('message', () => resolve())
    worker.once('error', reject)
  })
}
