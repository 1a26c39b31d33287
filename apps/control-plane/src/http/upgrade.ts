import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Config } from '../config.ts'
import { arrivedByMixnet } from '../mixnet/entry/index.ts'
import type { Log } from '../platform.ts'
import { isForeign } from './origin.ts'

/** Takes over a connection that becomes a WebSocket. `address` is the caller's. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer, address: string) => void

export interface UpgradeDependencies {
  readonly config: Pick<Config, 'publicUrl' | 'trustProxy'>
  readonly log: Log
}

/** Leads WebSocket upgrades to their handlers, by path. Pages of other sites and unknown paths are turned away. */
export class UpgradeRouter {
  readonly #handlers: ReadonlyMap<string, UpgradeHandler>
  readonly #config: UpgradeDependencies['config']
  readonly #log: Log

  constructor({ config, log }: UpgradeDependencies, handlers: Readonly<Record<string, UpgradeHandler>>) {
    this.#config = config
    this.#log = log
    this.#handlers = new Map(Object.entries(handlers))
  }

  /** Listens on a server; answers how to stop. */
  attach(server: Server): () => void {
    const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#lead(request, socket, head)
    server.on('upgrade', onUpgrade)
    return () => server.off('upgrade', onUpgrade)
  }

  #lead(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Until the handler listens itself: a caller who hangs up must not take the process with it.
    socket.on('error', (err) => this.#log.debug({ err }, 'an upgrading connection broke'))
    const [path = ''] = (request.url ?? '').split('?')
    const handler = this.#handlers.get(path)
    if (!handler) return turnAway(socket, '404 Not Found')
    const { origin, host } = request.headers
    if (isForeign({ origin, host }, this.#config.publicUrl)) {
      this.#log.warn({ origin, path }, 'a page of another site wanted a socket')
      return turnAway(socket, '403 Forbidden')
    }
    handler(request, socket, head, this.#addressOf(request))
  }

  /** As the HTTP routes see it: behind one trusted proxy, the address that it saw. */
  #addressOf({ headers, socket }: IncomingMessage): string {
    const forwarded = this.#config.trustProxy && !arrivedByMixnet(socket) ? headers['x-forwarded-for'] : undefined
    const last = String(forwarded ?? '')
      .split(',')
      .at(-1)
      ?.trim()
    return last || (socket.remoteAddress ?? '')
  }
}

function turnAway(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
