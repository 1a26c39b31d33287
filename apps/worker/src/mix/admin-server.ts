import { chmodSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AdminPlace } from './config.ts'
import { MixError, whyOf } from './mix-error.ts'
import { metricsText, type MixStatusView } from './status-view.ts'

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/
const MOST_CONNECTIONS = 32
const REQUEST_MS = 5_000

/** Tells whoever is on this machine how the node stands, by HTTP: `/status`, `/metrics` and `/healthz`. Nothing can be changed by it. */
export class AdminServer {
  readonly #server: Server
  readonly #place: AdminPlace

  constructor(place: AdminPlace, status: () => MixStatusView) {
    this.#place = place
    this.#server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }, (request, response) =>
      answer(request, response, status),
    )
    this.#server.maxConnections = MOST_CONNECTIONS
  }

  /** Where it can be asked, such as `http://127.0.0.1:7071` or `unix:/…`; undefined when it is off. */
  async start(): Promise<string | undefined> {
    const place = this.#place
    if (place.kind === 'off') return undefined
    const text = place.kind === 'socket' ? place.path : `${place.host}:${place.port}`
    try {
      // Whoever holds the node's folder is the only one to make it: what is left there is from one that is gone.
      if (place.kind === 'socket') rmSync(place.path, { force: true })
      this.#server.listen(place.kind === 'socket' ? { path: place.path } : { host: place.host, port: place.port })
      await once(this.#server, 'listening')
      if (place.kind === 'socket') chmodSync(place.path, 0o600)
    } catch (fault) {
      throw new MixError({ code: 'mix.admin_not_listening', address: text, why: whyOf(fault) }, { cause: fault })
    }
    if (place.kind === 'socket') return `unix:${place.path}`
    const { port } = this.#server.address() as AddressInfo
    return `http://${place.host.includes(':') ? `[${place.host}]` : place.host}:${port}`
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

function answer(request: IncomingMessage, response: ServerResponse, status: () => MixStatusView): void {
  const isLocal = request.socket.remoteAddress === undefined || LOOPBACK_HOST.test(request.headers.host ?? '')
  // A page in a browser on this machine must not read it under a name of its own.
  if (!isLocal) return send(response, 403, 'text/plain', 'ask by the address of the loopback\n')
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, 'text/plain', 'only GET\n')
  const path = (request.url ?? '').split('?')[0]
  if (path === '/status') return send(response, 200, 'application/json', `${JSON.stringify(status())}\n`)
  if (path === '/metrics') return send(response, 200, 'text/plain; version=0.0.4', metricsText(status()))
  if (path !== '/healthz') return send(response, 404, 'text/plain', 'there are /status, /metrics and /healthz\n')
  const why = whyUnwell(status())
  send(response, why === undefined ? 200 : 503, 'text/plain', `${why ?? 'ok'}\n`)
}

function whyUnwell({ state, directory, epoch, place, trouble }: MixStatusView): string | undefined {
  if (state === 'draining') return 'it is draining'
  if (directory.state === 'stopped') return directory.why
  if (epoch === undefined) return trouble ?? 'there is no consensus yet'
  return place === undefined ? (trouble ?? 'the consensus does not list it yet') : undefined
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  const headers = { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }
  response.writeHead(status, headers).end(body)
}
