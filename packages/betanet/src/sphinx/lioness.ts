import { blake2bInto, chacha20OriginalXor, CHACHA20_ORIGINAL_NONCE_BYTES } from '@fog/kernel/node'
import type { WideBlock } from './suite.ts'

const LEFT_BYTES = 32
const ROUNDS = 4
export const LIONESS_KEY_BYTES = ROUNDS * LEFT_BYTES

/** Keys are fresh for every block, so the nonce can stay zero. */
const NONCE = Buffer.alloc(CHACHA20_ORIGINAL_NONCE_BYTES)

/**
 * LIONESS (Anderson and Biham, 1996) with ChaCha20 and keyed BLAKE2b-256: four rounds over the first 32 bytes and the rest,
 * so that one changed bit anywhere garbles everything.
 */
export class Lioness implements WideBlock {
  readonly #left: Buffer
  readonly #right: Buffer
  readonly #roundKey = Buffer.alloc(LEFT_BYTES)
  readonly #digest = Buffer.alloc(LEFT_BYTES)

  /** Over this buffer, from now on. */
  constructor(block: Buffer) {
    this.#left = block.subarray(0, LEFT_BYTES)
    this.#right = block.subarray(LEFT_BYTES)
  }

  /** The 128-byte key is four round keys. */
  encrypt(key: Buffer): void {
    this.#streamRound(key, 0)
    this.#hashRound(key, 1)
    this.#streamRound(key, 2)
    this.#hashRound(key, 3)
    this.#roundKey.fill(0)
  }

  decrypt(key: Buffer): void {
    this.#hashRound(key, 3)
    this.#streamRound(key, 2)
    this.#hashRound(key, 1)
    this.#streamRound(key, 0)
    this.#roundKey.fill(0)
  }

  /** Right ^= ChaCha20(left ^ key). */
  #streamRound(key: Buffer, round: number): void {
    const left = this.#left
    const roundKey = this.#roundKey
    const from = round * LEFT_BYTES
    for (let i = 0; i < LEFT_BYTES; i++) roundKey[i] = left[i]! ^ key[from + i]!
    chacha20OriginalXor(this.#right, this.#right, NONCE, roundKey)
  }

  /** Left ^= BLAKE2b(key, right). */
  #hashRound(key: Buffer, round: number): void {
    const left = this.#left
    const digest = this.#digest
    const roundKey = this.#roundKey
    const from = round * LEFT_BYTES
    for (let i = 0; i < LEFT_BYTES; i++) roundKey[i] = key[from + i]!
    blake2bInto(digest, this.#right, this.#roundKey)
    for (let i = 0; i < LEFT_BYTES; i++) left[i]! ^= digest[i]!
  }
}
