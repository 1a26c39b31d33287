import { NoiseError } from './noise-error.ts'
import { type NoiseSuite, TAG_BYTES } from './suite.ts'

const NOTHING = new Uint8Array(0)
/** A message is at most 65,535 bytes (section 3). */
export const MAX_NOISE_MESSAGE_BYTES = 65_535
/** The specification allows 2^64 - 1 messages a key; a safe integer counts to 2^53 - 1, which is stopped at. */
const MOST_NONCES = Number.MAX_SAFE_INTEGER

/** One direction of a session: a key and the number of messages it has sealed or opened (section 5.1). */
export class CipherState {
  readonly #suite: NoiseSuite
  readonly #key: Uint8Array
  #nonce = 0

  /** Takes the key over and wipes it with `wipe()`. */
  constructor(suite: NoiseSuite, key: Uint8Array) {
    this.#suite = suite
    this.#key = key
  }

  /** The number the next message is sealed or opened with. */
  get nonce(): number {
    return this.#nonce
  }

  /** The plaintext sealed, 16 bytes longer. */
  seal(plaintext: Uint8Array, ad: Uint8Array = NOTHING): Uint8Array {
    const out = new Uint8Array(plaintext.length + TAG_BYTES)
    this.sealInto(out, plaintext, ad)
    return out
  }

  /** Seals into `out`, which has exactly 16 bytes more than the plaintext, without allocating. */
  sealInto(out: Uint8Array, plaintext: Uint8Array, ad: Uint8Array = NOTHING): void {
    refuseTooLong(out.length)
    this.#suite.encrypt(this.#key, this.#take(), ad, plaintext, out)
  }

  /** The plaintext of a genuine message. Throws `noise.message_invalid`, and is then unchanged. */
  open(ciphertext: Uint8Array, ad: Uint8Array = NOTHING): Uint8Array {
    const out = new Uint8Array(Math.max(0, ciphertext.length - TAG_BYTES))
    if (!this.openInto(out, ciphertext, ad)) {
      throw new NoiseError({ code: 'noise.message_invalid', pattern: this.#suite.name })
    }
    return out
  }

  /** Whether the message is genuine; then `out`, 16 bytes shorter, holds its plaintext and the next nonce is due. */
  openInto(out: Uint8Array, ciphertext: Uint8Array, ad: Uint8Array = NOTHING): boolean {
    if (ciphertext.length < TAG_BYTES || ciphertext.length > MAX_NOISE_MESSAGE_BYTES) return false
    if (this.#nonce >= MOST_NONCES) throw new NoiseError({ code: 'noise.nonces_used_up' })
    if (!this.#suite.decrypt(this.#key, this.#nonce, ad, ciphertext, out)) return false
    this.#nonce += 1
    return true
  }

  /**
   * For datagrams, which are lost and come in any order: opens the message sealed with this nonce, and leaves the count as
   * it is. The caller refuses a nonce it has seen.
   */
  openAt(nonce: number, out: Uint8Array, ciphertext: Uint8Array, ad: Uint8Array = NOTHING): boolean {
    if (ciphertext.length < TAG_BYTES || ciphertext.length > MAX_NOISE_MESSAGE_BYTES) return false
    if (!Number.isSafeInteger(nonce) || nonce < 0 || nonce >= MOST_NONCES) return false
    return this.#suite.decrypt(this.#key, nonce, ad, ciphertext, out)
  }

  /** A new key from the old one, which cannot be computed back (section 11.3). The nonce goes on. */
  rekey(): void {
    const next = new Uint8Array(this.#key.length + TAG_BYTES)
    this.#suite.encryptForRekey(this.#key, next)
    this.#key.set(next.subarray(0, this.#key.length))
    this.#suite.wipe(next)
  }

  wipe(): void {
    this.#suite.wipe(this.#key)
  }

  #take(): number {
    if (this.#nonce >= MOST_NONCES) throw new NoiseError({ code: 'noise.nonces_used_up' })
    return this.#nonce++
  }
}

export function refuseTooLong(bytes: number): void {
  if (bytes > MAX_NOISE_MESSAGE_BYTES) {
    throw new NoiseError({ code: 'noise.message_too_long', bytes, most: MAX_NOISE_MESSAGE_BYTES })
  }
}
