import { CipherState } from './cipher-state.ts'
import { type NoiseSuite, TAG_BYTES } from './suite.ts'

const KEY_BYTES = 32
const COUNTERS = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)] as const
const NOTHING = new Uint8Array(0)

/** The chaining key and the hash of all that was said (section 5.2). */
export class SymmetricState {
  readonly #suite: NoiseSuite
  #chainingKey: Uint8Array
  #hash: Uint8Array
  #cipher: CipherState | undefined

  constructor(suite: NoiseSuite, protocolName: Uint8Array) {
    this.#suite = suite
    this.#hash =
      protocolName.length > suite.hashBytes ? suite.hash(protocolName) : padded(protocolName, suite.hashBytes)
    this.#chainingKey = this.#hash.slice()
  }

  get hasKey(): boolean {
    return this.#cipher !== undefined
  }

  get hash(): Uint8Array {
    return this.#hash
  }

  mixHash(data: Uint8Array): void {
    this.#hash = this.#suite.hash(this.#hash, data)
  }

  mixKey(input: Uint8Array): void {
    const [chainingKey, key] = this.#derive(input, 2)
    this.#chain(chainingKey!)
    this.#rekey(key!)
  }

  mixKeyAndHash(input: Uint8Array): void {
    const [chainingKey, hash, key] = this.#derive(input, 3)
    this.#chain(chainingKey!)
    this.mixHash(hash!)
    this.#rekey(key!)
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const sealed = this.#cipher ? this.#cipher.seal(plaintext, this.#hash) : plaintext
    this.mixHash(sealed)
    return sealed
  }

  /** Undefined when the bytes are not genuine. */
  decryptAndHash(sealed: Uint8Array): Uint8Array | undefined {
    if (!this.#cipher) {
      this.mixHash(sealed)
      return sealed.slice()
    }
    const plaintext = new Uint8Array(Math.max(0, sealed.length - TAG_BYTES))
    if (!this.#cipher.openInto(plaintext, sealed, this.#hash)) return undefined
    this.mixHash(sealed)
    return plaintext
  }

  /** The keys of both directions, the initiator's first. Everything here is wiped. */
  split(): readonly [CipherState, CipherState] {
    const [first, second] = this.#derive(NOTHING, 2).map((key) => new CipherState(this.#suite, key.slice(0, KEY_BYTES)))
    this.#suite.wipe(this.#chainingKey)
    this.#cipher?.wipe()
    return [first!, second!]
  }

  #chain(next: Uint8Array): void {
    this.#suite.wipe(this.#chainingKey)
    this.#chainingKey = next
  }

  #rekey(key: Uint8Array): void {
    this.#cipher?.wipe()
    this.#cipher = new CipherState(this.#suite, key.slice(0, KEY_BYTES))
  }

  /** HKDF as section 4.3 has it: HMAC in a chain, no info. */
  #derive(input: Uint8Array, outputs: 2 | 3): Uint8Array[] {
    const temporary = this.#suite.hmac(this.#chainingKey, input)
    const derived: Uint8Array[] = []
    for (let i = 0; i < outputs; i++) {
      derived.push(this.#suite.hmac(temporary, derived[i - 1] ?? NOTHING, COUNTERS[i]!))
    }
    this.#suite.wipe(temporary)
    return derived
  }
}

function padded(bytes: Uint8Array, length: number): Uint8Array {
  const whole = new Uint8Array(length)
  whole.set(bytes)
  return whole
}
