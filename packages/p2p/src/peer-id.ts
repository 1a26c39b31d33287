import { FogError, fromHex, toHex } from '@fog/kernel'

/** Who a peer is: its 32-byte public key, in hex. Cannot pass for any other id. */
export type PeerId = string & { readonly __peer: true }

export const PEER_KEY_BYTES = 32

/** What came from outside and names no peer. */
export class PeerError extends FogError<{ code: 'peer.id_malformed'; text: string }> {
  static override readonly texts = {
    'peer.id_malformed': {
      says: '{text} is no peer id.',
      fix: 'A peer id is 64 hex digits: the public key of the peer.',
    },
  }
}

/** Reads a peer id from outside. Throws `peer.id_malformed`. */
export function parsePeerId(text: string): PeerId {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new PeerError({ code: 'peer.id_malformed', text: text.slice(0, 80) })
  return text as PeerId
}

export function peerIdOf(publicKey: Uint8Array): PeerId {
  return parsePeerId(toHex(publicKey))
}

/** The 32 bytes of the key. */
export function keyOfPeer(peer: PeerId): Uint8Array {
  return fromHex(peer)!
}
