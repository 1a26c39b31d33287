import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { buildPacket, geometry, HopUnwrapper, type SphinxSuite, suites } from '@fog/betanet/sphinx'
import { systemRng, x25519, X25519_BYTES } from '@fog/kernel/node'
import type { Figure } from '../figure.ts'
import { quantile } from '../yardstick.ts'

const ROUNDS = 9
const MULTIPLICATIONS = 2000
const HOPS = 3

/** Part (a): what one hop costs one core, beside what one multiplication costs the same core in the same seconds. */
export function unwrapPerCore(): Figure[] {
  return [
    ...figuresOf(suites.betanetKemX25519, 4000, 1.6),
    ...figuresOf(suites.betanetKemX25519Small, 4000, 1.6),
    ...figuresOf(suites.katzenpostX25519, 60),
    heapPerPacket(),
  ]
}

/** What the hot path leaves to the garbage collector, once it is compiled. */
function heapPerPacket(): Figure {
  const suite = suites.betanetKemX25519
  const { packetBytes } = geometry(suite)
  const packets = 2000
  const { slab, hops } = prepared(suite, packets)
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const grown: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const packed = Buffer.from(slab)
    collect()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < packets; i++) hops[0]!.unwrap(packed, i * packetBytes)
    grown.push((process.memoryUsage().heapUsed - before) / packets)
  }
  return {
    name: 'heap a packet',
    value: Math.max(0, quantile(grown, 0.5)),
    unit: 'B',
    bar: { atMost: 16 },
    method: `growth of the heap over ${packets} packets of ${packetBytes} B without a collection, median of ${ROUNDS} rounds`,
  }
}

function figuresOf(suite: SphinxSuite, packets: number, mostRatio?: number): Figure[] {
  const { packetBytes } = geometry(suite)
  const { slab, hops } = prepared(suite, packets)
  const multiplications: number[] = []
  const unwraps: number[] = []
  // By turns, so that whatever else the machine does falls on both alike.
  for (let round = 0; round < ROUNDS; round++) {
    multiplications.push(multiplicationCpuUs())
    const packed = Buffer.from(slab)
    const hop = hops[0]!
    unwraps.push(cpuUsEach(packets, (i) => hop.unwrap(packed, i * packetBytes) === 'forward'))
  }
  const [oneUs, hopUs] = [quantile(multiplications, 0.5), quantile(unwraps, 0.5)]
  const method = `${packetBytes} B, ${packets} distinct packets over ${HOPS} hops, unwrapped in a slab, median of ${ROUNDS} rounds of CPU time`
  const bar = mostRatio === undefined ? {} : { bar: { atMost: mostRatio } }
  return [
    { name: `unwrap, ${suite.name}`, value: hopUs, unit: 'us', method },
    { name: '  packets/s on one core', value: 1e6 / hopUs, unit: '1/s', method: 'its inverse' },
    {
      name: '  to one X25519 multiplication',
      value: hopUs / oneUs,
      unit: 'x',
      ...bar,
      method: `${oneUs.toFixed(1)} us each, ${MULTIPLICATIONS} before every round`,
    },
  ]
}

function prepared(suite: SphinxSuite, packets: number): { slab: Buffer; hops: readonly HopUnwrapper[] } {
  const { packetBytes, payloadBytes } = geometry(suite)
  const hops = Array.from({ length: HOPS }, () => new HopUnwrapper(suite, systemRng.bytes(X25519_BYTES)))
  const path = hops.map(({ publicKey }, i) => ({
    id: systemRng.bytes(X25519_BYTES),
    publicKey,
    ...(i === HOPS - 1 ? { recipient: systemRng.bytes(X25519_BYTES) } : {}),
  }))
  const slab = Buffer.alloc(packets * packetBytes)
  for (let i = 0; i < packets; i++) {
    slab.set(buildPacket(suite, path, systemRng.bytes(payloadBytes), systemRng), i * packetBytes)
  }
  return { slab, hops }
}

function multiplicationCpuUs(): number {
  const scalar = Buffer.from(systemRng.bytes(X25519_BYTES))
  const point = Buffer.from(new HopUnwrapper(suites.betanetKemX25519, scalar).publicKey)
  const out = Buffer.alloc(X25519_BYTES)
  return cpuUsEach(MULTIPLICATIONS, () => x25519(out, scalar, point))
}

function cpuUsEach(times: number, step: (i: number) => boolean): number {
  const before = process.cpuUsage()
  let done = 0
  for (let i = 0; i < times; i++) if (step(i)) done += 1
  const { user, system } = process.cpuUsage(before)
  if (done !== times) throw new Error(`${times - done} of ${times} steps went wrong`)
  return (user + system) / times
}
