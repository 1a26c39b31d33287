import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer as createHttpServer, request as askHttp, type Server as HttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A frame as whoever watches a link sees it: when, how long, which way, and by which connection. */
export interface SeenFrame {
  /** Milliseconds that only grow. */
  readonly at: number
  readonly bytes: number
  readonly way: 'up' | 'down'
  /** Port of who connected. */
  readonly from: number
}

const HEAD_BYTES = 2

/**
 * Stands on the line before a gateway: it listens where others think the gateway is, passes everything on, and notes the frames.
 * Their lengths stand in the clear before each (two bytes, big-endian); all else is encrypted.
 */
export class LinkWatcher {
  readonly frames: SeenFrame[] = []
  readonly address: string
  readonly port: number
  readonly #server: Server
  readonly #open = new Set<Socket>()

  private constructor(server: Server) {
    const { address, port } = server.address() as AddressInfo
    this.address = address
    this.port = port
    this.#server = server
    server.on('connection', (client: Socket) => this.#pass(client))
  }

  /** The gateway is at the same port of 127.0.0.1. */
  static async before(port: number, host = '127.0.0.2'): Promise<LinkWatcher> {
    const server = createServer({ pauseOnConnect: true, noDelay: true }).listen({ host, port })
    await once(server, 'listening')
    return new LinkWatcher(server)
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#open) socket.destroy()
  }

  #pass(client: Socket): void {
    const gateway = connect({ host: '127.0.0.1', port: this.port, noDelay: true })
    const from = client.remotePort ?? 0
    for (const socket of [client, gateway]) {
      this.#open.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.#open.delete(socket)
        client.destroy()
        gateway.destroy()
      })
    }
    this.#watch(client, 'up', from)
    this.#watch(gateway, 'down', from)
    client.pipe(gateway)
    gateway.pipe(client)
  }

  #watch(source: Socket, way: SeenFrame['way'], from: number): void {
    let kept: Buffer = Buffer.alloc(0)
    source.on('data', (part: Buffer) => {
      kept = Buffer.concat([kept, part])
      const at = performance.now()
      while (kept.length >= HEAD_BYTES) {
        const bytes = kept.readUInt16BE(0)
        if (kept.length < HEAD_BYTES + bytes) return
        this.frames.push({ at, bytes, way, from })
        kept = kept.subarray(HEAD_BYTES + bytes)
      }
    })
  }
}

/** Stands before the control plane's ordinary address: what is asked for there is answered, and noted. */
export class DirectoryWatcher {
  /** `GET /v1/mixnet`, without queries. */
  readonly asked: string[] = []
  readonly url: string
  readonly port: number
  readonly #server: HttpServer

  private constructor(server: HttpServer) {
    this.port = (server.address() as AddressInfo).port
    this.url = `http://127.0.0.1:${this.port}`
    this.#server = server
  }

  static async before(url: string): Promise<DirectoryWatcher> {
    const { hostname, port } = new URL(url)
    const server = createHttpServer().listen({ host: '127.0.0.1', port: 0 })
    await once(server, 'listening')
    const watcher = new DirectoryWatcher(server)
    server.on('upgrade', ({ url: path = '' }, socket) => {
      watcher.asked.push(`UPGRADE ${path}`)
      socket.destroy()
    })
    server.on('request', (incoming, outgoing) => {
      const { method = '', url: path = '', headers } = incoming
      watcher.asked.push(`${method} ${path.replace(/\?.*/, '')}`)
      const asking = askHttp({ hostname, port, method, path, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
      })
      asking.on('error', () => outgoing.destroy())
      incoming.pipe(asking)
    })
    return watcher
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

export interface OpenConnection {
  readonly localPort: number
  /** `127.0.0.1:7070` */
  readonly remote: string
}

const ESTABLISHED = '01'
const LISTENING = '0A'

/** TCP connections of a process and all it started, as the kernel tells (proc_pid_net(5)); those within themselves left out. */
export function connectionsOf(pid: number): OpenConnection[] {
  const inodes = new Set(processTree(pid).flatMap(socketsOf))
  const sockets = tcpSockets().filter(({ inode }) => inodes.has(inode))
  const own = new Set(sockets.filter(({ state }) => state === LISTENING).map(({ local }) => portOf(local)))
  return sockets
    .filter(({ state, local, remote }) => state === ESTABLISHED && !own.has(portOf(local)) && !own.has(portOf(remote)))
    .map(({ local, remote }) => ({ localPort: portOf(local), remote }))
}

function processTree(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    const stat = readIfThere(`/proc/${name}/stat`)
    // The name in parentheses may hold anything; what follows it is numbers.
    if (stat !== '') parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
  }
  const found = [root]
  for (const parent of found) for (const [pid, of] of parents) if (of === parent) found.push(pid)
  return found
}

function socketsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`
  try {
    return readdirSync(folder).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${fd}`))?.[1] ?? []
      } catch {
        return []
      }
    })
  } catch {
    return []
  }
}

function tcpSockets() {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) =>
    readIfThere(table)
      .split('\n')
      .slice(1)
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const [, local = '', remote = '', state = '', , , , , , inode = ''] = line.trim().split(/\s+/)
        return { local: addressOf(local), remote: addressOf(remote), state, inode }
      }),
  )
}

/** The kernel writes addresses as little-endian numbers; those of IPv4 in IPv6 end as they are written alone. */
function addressOf(text: string): string {
  const [address = '', port = ''] = text.split(':')
  const octets = address.slice(-8).match(/../g) ?? []
  return `${octets
    .map((each) => parseInt(each, 16))
    .reverse()
    .join('.')}:${parseInt(port, 16)}`
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1))
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/**
 * How likely two counts are this far apart or farther if both are of one Poisson process watched for these times: given their sum,
 * one of them is binomial (Przyborowski and Wilenski 1940). By the normal approximation with continuity correction, two-sided; for
 * sums of some hundred it is good to the third digit of the exponent.
 */
export function sameRateProbability(a: { count: number; ms: number }, b: { count: number; ms: number }): number {
  const sum = a.count + b.count
  const share = a.ms / (a.ms + b.ms)
  const deviation = Math.sqrt(sum * share * (1 - share))
  const distance = Math.max(0, Math.abs(a.count - sum * share) - 0.5) / deviation
  return 2 * upperTail(distance)
}

/** Of the standard normal distribution, from above (Abramowitz and Stegun 26.2.17: error below 7.5e-8; far out, Mills' ratio). */
function upperTail(x: number): number {
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)
  if (x > 4) return density / x
  const t = 1 / (1 + 0.2316419 * x)
  return density * t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
}
