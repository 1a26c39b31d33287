import { HopUnwrapper } from './hop-unwrapper.ts'
import { SphinxError } from './sphinx-error.ts'
import type { SphinxSuite } from './suite.ts'

interface Received {
  /** 32 bytes, the same only for the same packet under the same key. Refuse what was seen before. */
  readonly replayTag: Uint8Array
  /** As the sender asked; 0 where it could not, or did not. */
  readonly delayMs: number
  readonly delayClass: number
}

export interface Forward extends Received {
  readonly kind: 'forward'
  /** 32 bytes. */
  readonly nextHop: Uint8Array
  /** As long as the one that came. */
  readonly packet: Uint8Array
}

export interface Delivery extends Received {
  readonly kind: 'deliver'
  /** 32 bytes. */
  readonly recipient: Uint8Array
  readonly payload: Uint8Array
}

export interface SurbReply extends Received {
  readonly kind: 'surb-reply'
  /** 16 bytes, by which the owner finds the keys. */
  readonly surbId: Uint8Array
  /** Whom the owner named as the one to hand it to, if any. */
  readonly recipient: Uint8Array | undefined
  /** Still under the layers that only the owner can undo, by `openSurbReply`. */
  readonly payload: Uint8Array
}

export type Unwrapped = Forward | Delivery | SurbReply

/**
 * Takes one hop's layer off a packet, which stays as it is. Throws a `SphinxError` for any packet that is not to be believed.
 *
 * For tests, clients and tools; a mix node's own loop is `HopUnwrapper`.
 */
export function unwrap(suite: SphinxSuite, privateKey: Uint8Array, packet: Uint8Array): Unwrapped {
  const { geometry, name } = suite
  if (packet.length !== geometry.packetBytes) throw new SphinxError({ code: 'sphinx.length_wrong', suite: name })
  const hop = new HopUnwrapper(suite, privateKey)
  try {
    const slab = Buffer.from(packet)
    const kind = hop.unwrap(slab, 0)
    if (kind === 'dropped') {
      throw new SphinxError({ code: `sphinx.${hop.dropReason ?? 'header_forged'}`, suite: name })
    }
    const { delayMs, delayClass, nextHop, recipient, surbId, hasRecipient } = hop.commands
    const received = { replayTag: Uint8Array.from(hop.replayTag), delayMs, delayClass }
    const copy = (bytes: Uint8Array) => Uint8Array.from(bytes)
    const block = slab.subarray(geometry.blockAt)
    if (kind === 'forward') return { kind, nextHop: copy(nextHop), packet: copy(slab), ...received }
    if (kind === 'deliver') {
      return { kind, recipient: copy(recipient), payload: copy(block.subarray(geometry.tagBytes)), ...received }
    }
    const handTo = hasRecipient ? copy(recipient) : undefined
    return { kind, surbId: copy(surbId), recipient: handTo, payload: copy(block), ...received }
  } finally {
    hop.wipe()
  }
}
