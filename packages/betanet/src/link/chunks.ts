/** Bytes of one chunk: as much as is read from a socket at once. */
export const CHUNK_BYTES = 64 * 1024
/** So many are kept for later; more are left to the garbage collector. */
const MOST_KEPT = 256

const kept: Uint8Array[] = []

/**
 * Buffers that received bytes wait in, used again by every link of the thread: a fresh one for each read would be 50 MB a
 * second of memory outside the heap under load, and a collection of the whole heap each time that fills up.
 */
export function takeChunk(): Uint8Array {
  return kept.pop() ?? new Uint8Array(CHUNK_BYTES)
}

/** Gives a chunk back: its holder looks at it no more. */
export function giveChunk(chunk: Uint8Array): void {
  if (kept.length < MOST_KEPT) kept.push(chunk)
}
