import { FogError } from '@fog/kernel'
import type { PeerId } from './peer-id.ts'

/**
 * One way of getting a frame to a peer. A circuit or a mixnet takes a Transport and gives a Transport.
 *
 * Frames arrive whole, as they were sent, at most once each, and from whom they say; in any order, and not necessarily at
 * all: `send` resolves when the transport has done what it can, and rejects when it knows that the frame did not arrive.
 */
export interface Transport {
  /** Shown to people, such as `betanet`. */
  readonly name: string
  /** Most bytes of one frame. */
  readonly maxFrameBytes: number
  /** Where frames travel in packets of one size: bytes of a frame that fills one, and how many each further packet holds. */
  readonly packetFit?: PacketFit | undefined
  /** Rejects with a `TransportError`, or with the signal's reason once it aborts. */
  send(to: PeerId, frame: Uint8Array, signal: AbortSignal): Promise<void>
  /** Calls `receive` for every frame that comes, until the answered function is called. */
  onFrame(receive: (from: PeerId, frame: Uint8Array) => void): () => void
}

export interface PacketFit {
  readonly firstBytes: number
  readonly nextBytes: number
}

/** Why a frame was not sent. */
export class TransportError extends FogError<
  | { code: 'transport.peer_unreachable'; transport: string; peer: string }
  | { code: 'transport.frame_too_long'; transport: string; bytes: number; mostBytes: number }
  | { code: 'transport.queue_full'; transport: string; waiting: number }
  | { code: 'transport.closed'; transport: string }
> {
  static override readonly texts = {
    'transport.peer_unreachable': {
      says: 'The peer {peer} cannot be reached over {transport}.',
      fix: 'Check that the peer is up; what is kept for it goes out when it comes back.',
    },
    'transport.frame_too_long': {
      says: 'A frame of {bytes} bytes is too long for {transport}, which takes {mostBytes}.',
      fix: 'Send it in parts.',
    },
    'transport.queue_full': {
      says: 'The transport {transport} has {waiting} frames to send and takes no more.',
      fix: 'Send slower: wait until earlier frames are sent.',
    },
    'transport.closed': {
      says: 'The transport {transport} is closed.',
      fix: 'Open it again before sending.',
    },
  }
}
