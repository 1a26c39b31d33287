import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '@fog/kernel'

/** A real HTTP server for a test, which answers as it is told. */
export interface SmallServer extends AsyncDisposable {
  readonly url: string
  /** `METHOD /path?query` of every request so far. */
  readonly requests: readonly string[]
}

export type Answer = (request: IncomingMessage, response: ServerResponse, nth: number) => void

export async function serve(answer: Answer): Promise<SmallServer> {
  const requests: string[] = []
  const server: Server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    answer(request, response, requests.length)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

export function refuse(response: ServerResponse, status: number, code: string, facts: object = {}): void {
  json(response, { type: 'about:blank', title: code, status, code, detail: `It says ${code}.`, facts }, status)
}

/** A clock on which every wait is over by the next turn, and takes exactly as long as it was to take. */
export function hurriedClock(): Clock & { readonly slept: readonly number[] } {
  let now = 0
  const slept: number[] = []
  return {
    slept,
    now: () => now,
    sleep: async (ms, signal) => {
      await new Promise((resolve) => setImmediate(resolve))
      signal?.throwIfAborted()
      now += ms
      slept.push(ms)
    },
  }
}
