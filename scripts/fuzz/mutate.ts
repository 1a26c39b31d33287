import { randomBelow, type Rng } from '@fog/kernel'

/** Numbers at which parsers stumble. */
const EDGES = [0, 1, 2, 0x0f, 0x10, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0xffffffff]
const MOST_STEPS = 6
const LONGEST_PIECE = 64

/** A changed copy of an input, of at most this many bytes; `other` is one to take pieces from. */
export function mutate(input: Uint8Array, other: Uint8Array, rng: Rng, mostBytes: number): Uint8Array {
  let bytes = input
  for (let steps = 1 + randomBelow(rng, MOST_STEPS); steps > 0; steps--) {
    bytes = STEPS[randomBelow(rng, STEPS.length)]!(bytes, other, rng)
  }
  return bytes.length > mostBytes ? bytes.slice(0, mostBytes) : bytes
}

type Step = (bytes: Uint8Array, other: Uint8Array, rng: Rng) => Uint8Array

const STEPS: readonly Step[] = [
  // One bit.
  (bytes, _, rng) => changed(bytes, (copy) => void (copy[randomBelow(rng, copy.length)]! ^= 1 << randomBelow(rng, 8))),
  // One byte, at random or a little more or less.
  (bytes, _, rng) => changed(bytes, (copy) => void (copy[randomBelow(rng, copy.length)] = randomBelow(rng, 256))),
  (bytes, _, rng) => changed(bytes, (copy) => void (copy[randomBelow(rng, copy.length)]! += randomBelow(rng, 33) - 16)),
  // A number of one, two or four bytes, in either order.
  (bytes, _, rng) => changed(bytes, (copy) => writeEdge(copy, rng)),
  // A piece removed, doubled, taken from elsewhere, or cleared.
  (bytes, _, rng) => {
    const [from, to] = range(bytes, rng)
    return joined(bytes.subarray(0, from), bytes.subarray(to))
  },
  (bytes, _, rng) => {
    const [from, to] = range(bytes, rng)
    return joined(bytes.subarray(0, to), bytes.subarray(from))
  },
  (bytes, other, rng) => {
    const [from, to] = range(other, rng)
    const at = randomBelow(rng, bytes.length + 1)
    return joined(bytes.subarray(0, at), other.subarray(from, to), bytes.subarray(at))
  },
  (bytes, other, rng) =>
    joined(bytes.subarray(0, randomBelow(rng, bytes.length + 1)), other.subarray(range(other, rng)[0])),
  (bytes, _, rng) => changed(bytes, (copy) => void copy.fill(rng.next() < 0.5 ? 0 : 0xff, ...range(copy, rng))),
  // Noise in the middle or at the end.
  (bytes, _, rng) => {
    const at = randomBelow(rng, bytes.length + 1)
    return joined(bytes.subarray(0, at), rng.bytes(1 + randomBelow(rng, 16)), bytes.subarray(at))
  },
  (bytes, _, rng) => joined(bytes, rng.bytes(1 + randomBelow(rng, LONGEST_PIECE))),
]

function changed(bytes: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(0)
  const copy = bytes.slice()
  change(copy)
  return copy
}

function writeEdge(copy: Uint8Array, rng: Rng): void {
  const width = [1, 2, 4][randomBelow(rng, 3)]!
  if (copy.length < width) return
  const view = new DataView(copy.buffer)
  const at = randomBelow(rng, copy.length - width + 1)
  const value = EDGES[randomBelow(rng, EDGES.length)]!
  const littleEndian = rng.next() < 0.5
  if (width === 1) view.setUint8(at, value)
  else if (width === 2) view.setUint16(at, value, littleEndian)
  else view.setUint32(at, value, littleEndian)
}

function range(bytes: Uint8Array, rng: Rng): [number, number] {
  const from = randomBelow(rng, bytes.length + 1)
  return [from, Math.min(bytes.length, from + 1 + randomBelow(rng, LONGEST_PIECE))]
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts))
}
