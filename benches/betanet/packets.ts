import { Worker } from 'node:worker_threads'
import type { SuiteName } from '@fog/betanet/node'
import { buildPacket, type PathHop, suites } from '@fog/betanet/sphinx'
import { systemRng } from '@fog/kernel/node'

const SEQUENCE_BYTES = 4

/** Packets built beforehand, back to back in shared memory; each payload begins with its number. */
export interface PacketStock {
  readonly memory: SharedArrayBuffer
  readonly count: number
}

interface Order {
  readonly suite: SuiteName
  readonly memory: SharedArrayBuffer
  readonly from: number
  readonly until: number
  readonly path: readonly PathHop[]
}

/** Builds so many packets along the path, on two threads. */
export async function buildStock(suite: SuiteName, path: readonly PathHop[], count: number): Promise<PacketStock> {
  const { packetBytes } = suites[suite].geometry
  const memory = new SharedArrayBuffer(count * packetBytes)
  const half = Math.ceil(count / 2)
  const orders: Order[] = [
    { suite, memory, from: 0, until: half, path },
    { suite, memory, from: half, until: count, path },
  ]
  await Promise.all(orders.map(buildInThread))
  return { memory, count }
}

/** The number a payload begins with. */
export function sequenceOf(payload: Uint8Array): number {
  return Buffer.from(payload.buffer, payload.byteOffset, SEQUENCE_BYTES).readUInt32BE()
}

/** Builds one order: run by the thread of `buildInThread`. */
export function build({ suite: name, memory, from, until, path }: Order): void {
  const suite = suites[name]
  const { packetBytes } = suite.geometry
  const bytes = new Uint8Array(memory)
  const payload = Buffer.alloc(SEQUENCE_BYTES)
  for (let i = from; i < until; i++) {
    payload.writeUInt32BE(i)
    bytes.set(buildPacket(suite, path, payload, systemRng, { epochParity: 0 }), i * packetBytes)
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
