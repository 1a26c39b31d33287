import { assert, concat, equalBytes, utf8 } from '@fog/kernel'
import { blake2b, blake2bInto } from '@fog/kernel/node'
import { proofToHash, prove, verify, type VrfSuite } from '../vrf/index.ts'
import { LN_UNIT, negativeLn } from './negative-ln.ts'

/** Delays are counted in steps of 0.1 ms. */
export const STEPS_PER_MS = 10
/** No packet waits longer than this many means: one in e^10, about 22,000, would. */
export const CAP_IN_MEANS = 10
/** 13.1 seconds: more would leave the range in which doubles are exact. */
export const MAX_MEAN_STEPS = 131_071

const ALPHA_LABEL = utf8('fog betanet delay v1')
const KEY_LABEL = utf8('delay')
const DIGEST_BYTES = 32

/** What fixes a node's delays of one epoch, before any packet of it exists. All byte arrays have 32 bytes. */
export interface DelaySeed {
  readonly nodeId: Uint8Array
  readonly epoch: number
  /** The beacon of the epoch's consensus. */
  readonly beacon: Uint8Array
  /** The node's Sphinx key of the epoch. */
  readonly sphinxKey: Uint8Array
}

/** What a node publishes when the epoch is over, so that anyone can compute its delays. */
export interface DelayReveal {
  readonly epoch: number
  /** 64 bytes. */
  readonly output: Uint8Array
  /** 80 bytes. */
  readonly proof: Uint8Array
}

/** label | node id | epoch, 8 bytes big-endian | beacon | Sphinx key. */
export function delayAlpha({ nodeId, epoch, beacon, sphinxKey }: DelaySeed): Uint8Array {
  assert(
    [nodeId, beacon, sphinxKey].every((part) => part.length === 32),
    'a delay seed is made of 32-byte parts',
  )
  return concat(ALPHA_LABEL, nodeId, uint64(epoch), beacon, sphinxKey)
}

/** A node's delays of an epoch, and the reveal it must keep to itself until the epoch and its grace are over. */
export function openDelays(
  suite: VrfSuite,
  secretKey: Uint8Array,
  seed: DelaySeed,
): { readonly source: DelaySource; readonly reveal: DelayReveal } {
  const alpha = delayAlpha(seed)
  const proof = prove(suite, secretKey, alpha)
  const output = proofToHash(suite, proof)
  assert(output, 'a proof of our own is well formed')
  return { source: new DelaySource(output), reveal: { epoch: seed.epoch, output, proof } }
}

/** The delays a reveal stands for; undefined when it is not what the registered VRF key gives for this seed. */
export function verifyReveal(
  suite: VrfSuite,
  publicKey: Uint8Array,
  seed: DelaySeed,
  reveal: DelayReveal,
): DelaySource | undefined {
  if (reveal.epoch !== seed.epoch) return undefined
  const output = verify(suite, publicKey, delayAlpha(seed), reveal.proof)
  return output && equalBytes(output, reveal.output) ? new DelaySource(output) : undefined
}

/** The delay of each packet at one node in one epoch: fixed by the packet's replay tag, known to its builder and to the node only. */
export class DelaySource {
  readonly #key: Buffer
  readonly #digest = Buffer.alloc(DIGEST_BYTES)

  /** `output` is the VRF's, 64 bytes. */
  constructor(output: Uint8Array) {
    this.#key = Buffer.from(blake2b(DIGEST_BYTES, output, KEY_LABEL))
  }

  /** Steps of 0.1 ms that the packet waits, where packets wait `meanSteps` on average. Makes no garbage for a `Buffer`. */
  stepsFor(replayTag: Uint8Array, meanSteps: number): number {
    blake2bInto(this.#digest, asBuffer(replayTag), this.#key)
    return delaySteps(meanSteps, this.#digest.readUInt32BE(0), this.#digest.readUInt32BE(4))
  }

  /** Overwrites the key. The source is of no use afterwards. */
  wipe(): void {
    this.#key.fill(0)
    this.#digest.fill(0)
  }
}

/** mean x -ln(1 - u) to the nearest step, at most 10 means; u = (high x 2^32 + low) / 2^64. */
export function delaySteps(meanSteps: number, high: number, low: number): number {
  assert(Number.isInteger(meanSteps) && meanSteps >= 0 && meanSteps <= MAX_MEAN_STEPS, 'a mean has 0 to 131071 steps')
  // Capped before it is multiplied: the product stays below 2^53.
  const means = Math.min(negativeLn(high, low), CAP_IN_MEANS * LN_UNIT)
  return Math.floor((meanSteps * means + LN_UNIT / 2) / LN_UNIT)
}

function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value))
  return bytes
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
