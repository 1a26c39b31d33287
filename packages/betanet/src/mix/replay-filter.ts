import { assert } from '@fog/kernel'

/** A block is one cache line: 16 words. The highest bit of its first word is its lock. */
const BLOCK_WORDS = 16
const BLOCK_BITS_LOG2 = 9
const LOCK = 0x8000_0000 | 0
const HASHES = 8
/** Bits a tag is given: about 1 false alarm in 100,000 when the filter is full. */
const BITS_PER_TAG = 35

/** Bytes of the tag that are looked at. */
export const REPLAY_TAG_BYTES = 16

/** Memory for a filter that is to hold so many tags: a power of two of bits, at most 2^33. */
export function replayFilterBytes(tags: number): number {
  const bits = 2 ** Math.min(33, Math.max(14, Math.ceil(Math.log2(Math.max(1, tags) * BITS_PER_TAG))))
  return bits / 8
}

/** Memory for a filter that threads share. Written to once, so that no packet waits for the system to hand out a page. */
export function newReplayMemory(tags: number): SharedArrayBuffer {
  return clearReplayMemory(new SharedArrayBuffer(replayFilterBytes(tags)))
}

/** Makes memory that no thread looks at any more ready for another key. */
export function clearReplayMemory(memory: SharedArrayBuffer): SharedArrayBuffer {
  new Uint8Array(memory).fill(0)
  return memory
}

/**
 * The tags seen under one Sphinx key, as a blocked Bloom filter (Putze, Sanders and Singler 2007) in memory that all of a
 * node's threads share. It never forgets: a packet that was seen is never taken for new, also when two threads meet it in
 * the same moment, since a block is locked while its bits are looked at and set. A new packet is taken for seen about once
 * in 100,000 when as many tags were noted as it was sized for, and far less before.
 */
export class ReplayFilter {
  readonly #words: Int32Array
  readonly #blocks: number

  /** `memory` is zero at first, of a size from `replayFilterBytes`; from `newReplayMemory` where threads share it. */
  constructor(memory: SharedArrayBuffer | ArrayBuffer) {
    this.#words = new Int32Array(memory)
    this.#blocks = this.#words.length / BLOCK_WORDS
    assert(Number.isInteger(Math.log2(this.#blocks)), 'a replay filter has a power of two of blocks')
  }

  /** Notes the tag, the first 16 bytes at `offset`, which are uniform bits. Whether it was new. */
  note(tags: Uint8Array, offset: number): boolean {
    const words = this.#words
    const first = (wordAt(tags, offset) & (this.#blocks - 1)) * BLOCK_WORDS
    lock(words, first)
    let isNew = false
    // Eight times nine bits of the rest of the tag say which bits of the block.
    for (let i = 0; i < HASHES; i++) {
      const bit = bitAt(tags, offset + 4, i)
      const at = first + (bit >>> 5)
      const mask = 1 << (bit & 31)
      if (mask === LOCK && at === first) continue
      if ((words[at]! & mask) === 0) {
        isNew = true
        words[at]! |= mask
      }
    }
    Atomics.and(words, first, ~LOCK)
    return isNew
  }
}

function lock(words: Int32Array, first: number): void {
  // Held for some tens of nanoseconds; whoever holds it never waits for anything.
  while ((Atomics.or(words, first, LOCK) & LOCK) !== 0);
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

/** The `i`th group of nine bits from `offset` on. */
function bitAt(bytes: Uint8Array, offset: number, i: number): number {
  const start = i * BLOCK_BITS_LOG2
  const at = offset + (start >>> 3)
  return ((bytes[at]! | (bytes[at + 1]! << 8)) >>> (start & 7)) & 511
}
