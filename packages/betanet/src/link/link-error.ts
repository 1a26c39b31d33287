import { FogError } from '@fog/kernel'

/** Why a link to another node ended. The other side is told nothing but that it ended. */
export class LinkError extends FogError<
  | { code: 'link.frame_invalid'; bytes: number }
  | { code: 'link.message_invalid' }
  | { code: 'link.peer_unknown'; peer: string }
  | { code: 'link.handshake_timeout'; afterMs: number }
> {
  static override readonly texts = {
    'link.frame_invalid': {
      says: 'A peer sent a frame of {bytes} bytes, which no frame has.',
      fix: 'The peer speaks another protocol or version; check the port and the version of both sides.',
    },
    'link.message_invalid': {
      says: 'A peer sent a message that is none of the link protocol.',
      fix: 'The peer runs another version; bring both to the same one.',
    },
    'link.peer_unknown': {
      says: 'The key {peer} belongs to no node of the directory, and this node takes no clients.',
      fix: 'Register the node with the directory, or connect to a gateway.',
    },
    'link.handshake_timeout': {
      says: 'The handshake with a peer was not done after {afterMs} ms.',
      fix: 'Check that the peer is up and that the network between is not cut.',
    },
  }
}
