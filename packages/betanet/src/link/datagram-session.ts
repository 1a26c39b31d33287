import { CipherState, type NoiseSuite, TAG_BYTES } from '@fog/kernel'
import { ReplayWindow } from './replay-window.ts'

export const SESSION_ID_BYTES = 8
const NUMBER_BYTES = 8
const HEAD_BYTES = SESSION_ID_BYTES + NUMBER_BYTES
/** Bytes of a datagram around the packet. */
export const DATAGRAM_OVERHEAD_BYTES = HEAD_BYTES + TAG_BYTES
export const DATAGRAM_KEY_BYTES = 32

/**
 * Packets one by one, as datagrams, in one direction: session id, number, sealed packet. The key comes over the link that the
 * two sides have, and dies with it. Datagrams may be lost, come late or twice; each is opened once.
 */
export class DatagramSession {
  readonly #cipher: CipherState
  readonly #id: Buffer
  readonly #window = new ReplayWindow()

  /** Takes the key over. */
  constructor(suite: NoiseSuite, { id, key }: { readonly id: Uint8Array; readonly key: Uint8Array }) {
    this.#cipher = new CipherState(suite, key)
    this.#id = Buffer.from(id)
  }

  /** A datagram of its own with the packet at `offset`. */
  seal(bytes: Uint8Array, offset: number, packetBytes: number): Buffer {
    const datagram = Buffer.allocUnsafe(packetBytes + DATAGRAM_OVERHEAD_BYTES)
    this.#id.copy(datagram)
    datagram.writeBigUInt64BE(BigInt(this.#cipher.nonce), SESSION_ID_BYTES)
    const sealed = datagram.subarray(HEAD_BYTES)
    this.#cipher.sealInto(sealed, bytes.subarray(offset, offset + packetBytes), this.#id)
    return datagram
  }

  /** Opens a datagram into `out`: how many bytes, or 0 for one that is not genuine, or was opened before. */
  open(datagram: Buffer, out: Uint8Array): number {
    const bytes = datagram.length - DATAGRAM_OVERHEAD_BYTES
    if (bytes < 1 || bytes > out.length) return 0
    const number = Number(datagram.readBigUInt64BE(SESSION_ID_BYTES))
    if (!Number.isSafeInteger(number) || !this.#window.isNew(number)) return 0
    const sealed = datagram.subarray(HEAD_BYTES)
    if (!this.#cipher.openAt(number, out.subarray(0, bytes), sealed, datagram.subarray(0, SESSION_ID_BYTES))) return 0
    this.#window.note(number)
    return bytes
  }

  wipe(): void {
    this.#cipher.wipe()
  }
}
