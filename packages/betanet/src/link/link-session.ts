import {
  type CipherState,
  type DhKeyPair,
  MAX_NOISE_MESSAGE_BYTES,
  NoiseHandshake,
  type NoiseSuite,
  TAG_BYTES,
  utf8,
} from '@fog/kernel'
import { FRAME_HEAD_BYTES } from './frame-reader.ts'
import { LinkError } from './link-error.ts'

/** What a sealed frame begins with. */
export const LINK_MESSAGE = {
  packets: 1,
  deliver: 2,
  taken: 3,
  ping: 4,
  pong: 5,
  datagrams: 6,
  ready: 7,
  /** From a client: the mean time between deliveries that it wants, milliseconds in two bytes, big-endian. */
  pace: 8,
} as const
export type LinkMessage = (typeof LINK_MESSAGE)[keyof typeof LINK_MESSAGE]

/** The responder's key is known beforehand; the initiator's is shown to the responder only. */
const PATTERN = 'XK'
const PROLOGUE = utf8('fog betanet link 1')
const TYPE_BYTES = 1

/** Bytes of a frame around the body of its message. */
export const FRAME_OVERHEAD_BYTES = FRAME_HEAD_BYTES + TYPE_BYTES + TAG_BYTES
/** Where in a frame the body of its message begins. */
export const BODY_AT = FRAME_HEAD_BYTES + TYPE_BYTES
/** Most bytes in the body of one message. */
export const MAX_BODY_BYTES = MAX_NOISE_MESSAGE_BYTES - TYPE_BYTES - TAG_BYTES

export interface LinkKeys {
  readonly own: DhKeyPair
  /** The responder's link key; given by the initiator only. */
  readonly remote?: Uint8Array | undefined
}

/**
 * One end of an authenticated, encrypted link: `Noise_XK_25519_ChaChaPoly`, then sealed frames, so that whoever watches the
 * wire sees sizes and times only. Pure: frames in, frames out. Every fault ends the link.
 */
export class LinkSession {
  #handshake: NoiseHandshake | undefined
  #send: CipherState | undefined
  #receive: CipherState | undefined
  #remote: Uint8Array | undefined

  constructor(suite: NoiseSuite, { own, remote }: LinkKeys) {
    this.#handshake = new NoiseHandshake(suite, {
      pattern: PATTERN,
      role: remote ? 'initiator' : 'responder',
      prologue: PROLOGUE,
      staticKeys: own,
      remoteStatic: remote,
    })
  }

  get isOpen(): boolean {
    return this.#send !== undefined
  }

  /** The other side's link key, proved; undefined until the link is open. */
  get remoteKey(): Uint8Array | undefined {
    return this.#remote
  }

  /** The frame the initiator begins with. */
  begin(): Uint8Array {
    return framed(this.#handshaking().write())
  }

  /** Takes a frame's body of the handshake; the frame to answer with, if one is due. Throws when it is not genuine. */
  shake(body: Uint8Array): Uint8Array | undefined {
    const handshake = this.#handshaking()
    if (handshake.read(body).length > 0) throw new LinkError({ code: 'link.message_invalid' })
    const answer = handshake.isMyTurn ? framed(handshake.write()) : undefined
    if (handshake.isComplete) this.#open(handshake)
    return answer
  }

  /**
   * Seals the message whose body lies in `frame` from `BODY_AT` on, `bytes` long, where it lies. `frame` has room for
   * `bytes + FRAME_OVERHEAD_BYTES`; the part of it to send is answered.
   */
  seal(frame: Uint8Array, type: LinkMessage, bytes: number): Uint8Array {
    const sealedBytes = TYPE_BYTES + bytes + TAG_BYTES
    frame[0] = sealedBytes >>> 8
    frame[1] = sealedBytes & 255
    frame[FRAME_HEAD_BYTES] = type
    const sealed = frame.subarray(FRAME_HEAD_BYTES, FRAME_HEAD_BYTES + sealedBytes)
    this.#opened(this.#send).sealInto(sealed, sealed.subarray(0, TYPE_BYTES + bytes))
    return frame.subarray(0, FRAME_HEAD_BYTES + sealedBytes)
  }

  /** Opens a frame's body into `out`: how many bytes, of which the first is the type. Throws `link.message_invalid`. */
  open(body: Uint8Array, out: Uint8Array): number {
    const bytes = body.length - TAG_BYTES
    if (bytes < TYPE_BYTES) throw new LinkError({ code: 'link.message_invalid' })
    if (!this.#opened(this.#receive).openInto(out.subarray(0, bytes), body)) {
      throw new LinkError({ code: 'link.message_invalid' })
    }
    return bytes
  }

  /** Forgets the session's keys. */
  close(): void {
    this.#send?.wipe()
    this.#receive?.wipe()
    this.#handshake = undefined
  }

  #open(handshake: NoiseHandshake): void {
    const { send, receive, remoteStatic } = handshake.split()
    this.#send = send
    this.#receive = receive
    this.#remote = remoteStatic
    this.#handshake = undefined
  }

  #handshaking(): NoiseHandshake {
    if (!this.#handshake) throw new LinkError({ code: 'link.message_invalid' })
    return this.#handshake
  }

  #opened(cipher: CipherState | undefined): CipherState {
    if (!cipher) throw new LinkError({ code: 'link.message_invalid' })
    return cipher
  }
}

function framed(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEAD_BYTES + message.length)
  frame[0] = message.length >>> 8
  frame[1] = message.length & 255
  frame.set(message, FRAME_HEAD_BYTES)
  return frame
}
