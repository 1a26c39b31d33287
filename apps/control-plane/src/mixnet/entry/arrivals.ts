import type { Duplex } from 'node:stream'
import { type ByteStream, type PeerId } from '@fog/p2p'
import { StreamDuplex } from '@fog/p2p/node'

const PREFIX = 'mix-'
/** So much of a peer's id tells it from all others. */
const SHOWN_DIGITS = 32

/** Connections that came through the mixnet. What is not in it came by an ordinary socket, whatever it says of itself. */
const arrivals = new WeakSet<object>()

/** A peer where others have an address: in logs, and for limits, which count each peer for itself. */
export function mixAddressOf(peer: PeerId): string {
  return `${PREFIX}${peer.slice(0, SHOWN_DIGITS)}`
}

/** Whether a connection's address is one of the mixnet's. Sockets never have such a one. */
export function isMixAddress(address: string): boolean {
  return address.startsWith(PREFIX)
}

/** A stream of a peer as a connection that the HTTP server takes, known as one that came through the mixnet. */
export function arrivalOf(stream: ByteStream): Duplex {
  const connection = new StreamDuplex(stream, { remoteAddress: mixAddressOf(stream.peer) })
  arrivals.add(connection)
  return connection
}

/** Whether a request (`request.raw.socket`) came through the mixnet. No header can claim it. */
export function arrivedByMixnet(socket: object): boolean {
  return arrivals.has(socket)
}
