import { concat, utf8 } from '../bytes.ts'
import { assert } from '../errors.ts'
import { CipherState, refuseTooLong } from './cipher-state.ts'
import { NoiseError } from './noise-error.ts'
import { parsePattern, type Pattern, type Token } from './pattern.ts'
import { DH_BYTES, type DhKeyPair, type NoiseSuite, TAG_BYTES } from './suite.ts'
import { SymmetricState } from './symmetric-state.ts'

export interface HandshakeOptions {
  /** Such as `XK`, or `XXpsk3`. */
  readonly pattern: string
  readonly role: 'initiator' | 'responder'
  /** What both sides must agree on beforehand, byte for byte. */
  readonly prologue?: Uint8Array | undefined
  readonly staticKeys?: DhKeyPair | undefined
  /** The peer's static key, where the pattern has it known beforehand. */
  readonly remoteStatic?: Uint8Array | undefined
  /** 32 bytes each, in the order of the pattern. */
  readonly psks?: readonly Uint8Array[] | undefined
  /** Made afresh when left out; given only by tests. */
  readonly ephemeralKeys?: DhKeyPair | undefined
}

/** Both directions of a finished handshake. One-way patterns have only the initiator send. */
export interface NoiseSession {
  readonly send: CipherState
  readonly receive: CipherState
  /** The same on both sides and for this session only: for channel binding. */
  readonly handshakeHash: Uint8Array
  readonly remoteStatic: Uint8Array | undefined
}

type Key = 'e' | 's'

/**
 * One side of a Noise handshake (The Noise Protocol Framework, revision 34, section 5.3). Pure but for fresh ephemeral keys,
 * which the suite makes. A message that is not genuine throws and leaves the handshake as dead as its connection should be.
 */
export class NoiseHandshake {
  readonly #suite: NoiseSuite
  readonly #pattern: Pattern
  readonly #initiates: boolean
  readonly #symmetric: SymmetricState
  readonly #own: { e?: DhKeyPair | undefined; s?: DhKeyPair | undefined }
  readonly #remote: { e?: Uint8Array | undefined; s?: Uint8Array | undefined }
  readonly #psks: Uint8Array[]
  #next = 0
  #dead = false

  constructor(suite: NoiseSuite, options: HandshakeOptions) {
    this.#suite = suite
    this.#pattern = parsePattern(options.pattern)
    this.#initiates = options.role === 'initiator'
    this.#own = { s: options.staticKeys, e: options.ephemeralKeys }
    this.#remote = { s: options.remoteStatic }
    this.#psks = [...(options.psks ?? [])]
    if (this.#psks.length !== this.#pattern.psks) throw this.#missing('psk')
    this.#symmetric = new SymmetricState(suite, utf8(`Noise_${options.pattern}_${suite.name}`))
    this.#symmetric.mixHash(options.prologue ?? new Uint8Array(0))
    this.#mixKnownKeys()
  }

  get isComplete(): boolean {
    return this.#next === this.#pattern.messages.length
  }

  /** Whether the next message is this side's to write. */
  get isMyTurn(): boolean {
    return !this.isComplete && (this.#next % 2 === 0) === this.#initiates
  }

  /** The peer's static key, once known; genuine only when the handshake is complete. */
  get remoteStatic(): Uint8Array | undefined {
    return this.#remote.s
  }

  /** The next message, carrying `payload` as safe as the pattern has it at this point. */
  write(payload: Uint8Array = new Uint8Array(0)): Uint8Array {
    if (!this.isMyTurn || this.#dead) throw new NoiseError({ code: 'noise.out_of_turn', step: 'write' })
    const parts = this.#pattern.messages[this.#next]!.map((token) => this.#writeToken(token))
    const message = concat(...parts, this.#symmetric.encryptAndHash(payload))
    refuseTooLong(message.length)
    this.#next += 1
    return message
  }

  /** The payload of the peer's next message. Throws `noise.message_invalid`; nothing can be read or written then. */
  read(message: Uint8Array): Uint8Array {
    if (this.isMyTurn || this.isComplete || this.#dead)
      throw new NoiseError({ code: 'noise.out_of_turn', step: 'read' })
    refuseTooLong(message.length)
    this.#dead = true
    let rest = message
    for (const token of this.#pattern.messages[this.#next]!) rest = this.#readToken(token, rest)
    const payload = this.#symmetric.decryptAndHash(rest) ?? this.#refuse()
    this.#dead = false
    this.#next += 1
    return payload
  }

  /** The session, once the handshake is complete. The handshake's own secrets are wiped: call it once. */
  split(): NoiseSession {
    if (!this.isComplete || this.#dead) throw new NoiseError({ code: 'noise.out_of_turn', step: 'split' })
    this.#dead = true
    const handshakeHash = this.#symmetric.hash.slice()
    const [first, second] = this.#symmetric.split()
    if (this.#own.e) this.#suite.wipe(this.#own.e.secretKey)
    const [send, receive] = this.#initiates ? [first, second] : [second, first]
    return { send, receive, handshakeHash, remoteStatic: this.#remote.s }
  }

  #mixKnownKeys(): void {
    const { initiatorKnown, responderKnown } = this.#pattern
    if (initiatorKnown) this.#symmetric.mixHash(this.#initiates ? this.#ownPublic('s') : this.#remoteKey('s'))
    if (responderKnown) this.#symmetric.mixHash(this.#initiates ? this.#remoteKey('s') : this.#ownPublic('s'))
  }

  #writeToken(token: Token): Uint8Array {
    if (token === 'e') {
      this.#own.e ??= this.#suite.makeKeyPair()
      this.#mixEphemeral(this.#own.e.publicKey)
      return this.#own.e.publicKey
    }
    if (token === 's') return this.#symmetric.encryptAndHash(this.#ownPublic('s'))
    this.#mix(token)
    return new Uint8Array(0)
  }

  #readToken(token: Token, rest: Uint8Array): Uint8Array {
    if (token === 'e') {
      if (rest.length < DH_BYTES) this.#refuse()
      this.#remote.e = rest.slice(0, DH_BYTES)
      this.#mixEphemeral(this.#remote.e)
      return rest.subarray(DH_BYTES)
    }
    if (token === 's') {
      const length = DH_BYTES + (this.#symmetric.hasKey ? TAG_BYTES : 0)
      if (rest.length < length) this.#refuse()
      this.#remote.s = this.#symmetric.decryptAndHash(rest.subarray(0, length)) ?? this.#refuse()
      return rest.subarray(length)
    }
    this.#mix(token)
    return rest
  }

  #mixEphemeral(publicKey: Uint8Array): void {
    this.#symmetric.mixHash(publicKey)
    // Section 9.2: where shared keys are used, ephemerals count as keys too.
    if (this.#pattern.psks > 0) this.#symmetric.mixKey(publicKey)
  }

  #mix(token: Exclude<Token, 'e' | 's'>): void {
    if (token === 'psk') {
      const psk = this.#psks.shift()
      assert(psk, 'as many shared keys were given as the pattern has')
      this.#symmetric.mixKeyAndHash(psk)
      return
    }
    // The first letter names the initiator's key, the second the responder's.
    const [first, second] = [token[0] as Key, token[1] as Key]
    const own = this.#initiates ? first : second
    const remote = this.#initiates ? second : first
    const keys = this.#own[own]
    if (!keys) throw this.#missing(own)
    const shared = this.#suite.dh(keys.secretKey, this.#remoteKey(remote)) ?? this.#refuse()
    this.#symmetric.mixKey(shared)
    this.#suite.wipe(shared)
  }

  #ownPublic(key: Key): Uint8Array {
    const keys = this.#own[key]
    if (!keys) throw this.#missing(key)
    return keys.publicKey
  }

  #remoteKey(key: Key): Uint8Array {
    const publicKey = this.#remote[key]
    if (publicKey?.length !== DH_BYTES) throw this.#missing(`r${key}`)
    return publicKey
  }

  #missing(key: string): NoiseError {
    return new NoiseError({ code: 'noise.key_missing', key, pattern: this.#pattern.name })
  }

  #refuse(): never {
    throw new NoiseError({ code: 'noise.message_invalid', pattern: this.#pattern.name })
  }
}
