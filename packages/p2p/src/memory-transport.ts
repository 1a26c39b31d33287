import type { PeerId } from './peer-id.ts'
import { type Transport, TransportError } from './transport.ts'

const MAX_FRAME_BYTES = 64 * 1024

type Receive = (from: PeerId, frame: Uint8Array) => void

/** A network in memory: the twin of real transports. What is sent arrives before `send` resolves. */
export class MemoryNetwork {
  readonly #peers = new Map<PeerId, MemoryTransport>()

  /** The transport of a peer that joins here. */
  join(peer: PeerId): MemoryTransport {
    const transport = new MemoryTransport(peer, (to) => this.#peers.get(to))
    this.#peers.set(peer, transport)
    return transport
  }

  /** The peer is gone: frames to it are refused. */
  leave(peer: PeerId): void {
    this.#peers.get(peer)?.close()
    this.#peers.delete(peer)
  }
}

export class MemoryTransport implements Transport {
  readonly name = 'memory'
  readonly maxFrameBytes = MAX_FRAME_BYTES
  readonly #own: PeerId
  readonly #find: (peer: PeerId) => MemoryTransport | undefined
  readonly #receivers = new Set<Receive>()
  #isClosed = false

  constructor(own: PeerId, find: (peer: PeerId) => MemoryTransport | undefined) {
    this.#own = own
    this.#find = find
  }

  async send(to: PeerId, frame: Uint8Array, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const transport = this.name
    if (this.#isClosed) throw new TransportError({ code: 'transport.closed', transport })
    if (frame.length > MAX_FRAME_BYTES) {
      const [bytes, mostBytes] = [frame.length, MAX_FRAME_BYTES]
      throw new TransportError({ code: 'transport.frame_too_long', transport, bytes, mostBytes })
    }
    const peer = this.#find(to)
    if (!peer) throw new TransportError({ code: 'transport.peer_unreachable', transport, peer: to })
    peer.#take(this.#own, frame.slice())
  }

  onFrame(receive: Receive): () => void {
    this.#receivers.add(receive)
    return () => void this.#receivers.delete(receive)
  }

  close(): void {
    this.#isClosed = true
    this.#receivers.clear()
  }

  #take(from: PeerId, frame: Uint8Array): void {
    for (const receive of this.#receivers) receive(from, frame)
  }
}
