import type { Duplex } from 'node:stream'

/** Connections that came through the mixnet. What is not in it came by an ordinary socket, whatever it says of itself. */
const arrivals = new WeakSet<object>()

/** Notes that this connection is a stream of the mixnet, before the HTTP server sees it. */
export function noteArrival(connection: Duplex): void {
  arrivals.add(connection)
}

/** Whether a request (`request.raw.socket`) came through the mixnet. No header can claim it. */
export function arrivedByMixnet(socket: object): boolean {
  return arrivals.has(socket)
}
