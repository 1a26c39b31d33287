import type { Logger } from 'pino'

/** What `startTunnel` is asked for. */
export interface TunnelOptions {
  /** Control planes that keep the mixnet's directory, by their plain addresses: asked for rules and consensuses, for nothing else. */
  readonly urls: readonly string[]
  /** The tunnel's own folder: its key, the pinned network and entry, consensuses. Made where it is missing. */
  readonly folder: string
  /** Fingerprint of the network, 64 hex digits; without it the first one met is pinned. */
  readonly network?: string | undefined
  /** The control plane's address in the mixnet, 64 hex digits; without it the first one met is pinned. */
  readonly entry?: string | undefined
  /** Whether cover is sent as the network says, or not at all: then whoever watches the line sees when there is traffic. */
  readonly cover?: 'consensus' | 'off' | undefined
  /** Of the loopback; 0, the default, takes any free one. */
  readonly port?: number | undefined
  /** How long to wait for a network that is not there yet; two minutes unless it says. */
  readonly waitMs?: number | undefined
  readonly log: Logger
  /** Ends the start, and later the tunnel. */
  readonly signal?: AbortSignal | undefined
}

/** A way to the control plane through the mixnet. */
export interface Tunnel {
  /** `http://127.0.0.1:PORT`: what the control plane answers there, by HTTP, event stream and WebSocket alike. */
  readonly url: string
  /** A socket in the folder that nobody but its owner may open; undefined where the folder's path is too long for one. */
  readonly socketPath: string | undefined
  /** The control plane's address in the mixnet. */
  readonly entry: string
  /** Whom the control plane takes this tunnel for. */
  readonly peer: string
  /** Ends all connections, and with them the tunnel. */
  stop(): Promise<void>
}
