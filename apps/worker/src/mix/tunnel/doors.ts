import { once } from 'node:events'
import { chmodSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { MixError, whyOf } from '../mix-error.ts'
import { canTellOwners, ownerOf } from './own-connections.ts'

const HOST = '127.0.0.1'
/** Longer paths of sockets are cut off by some systems. */
const LONGEST_SOCKET_PATH = 100

export interface DoorOptions {
  readonly port: number
  readonly socketPath: string
  readonly mostConnections: number
}

/** Where programs of this user come in: a port of the loopback, and a socket in the file system. */
export interface Doors {
  readonly port: number
  /** Undefined where the folder's path is too long for one. */
  readonly socketPath: string | undefined
  close(): void
}

/**
 * Listens for connections of this process's own user and hands each to `take`. On the loopback everybody of the machine can
 * knock; others are turned away where the system tells who knocks, which it says in the log where it does not.
 */
export async function openDoors(
  { port, socketPath, mostConnections }: DoorOptions,
  log: Logger,
  take: (connection: Duplex) => void,
): Promise<Doors> {
  const open = new Set<Socket>()
  const keep = (socket: Socket) => {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => open.delete(socket))
  }
  const servers: Server[] = []
  const close = () => {
    for (const server of servers) server.close()
    for (const socket of open) socket.destroy()
  }
  const listen = async (
    server: Server,
    at: { readonly port: number; readonly host: string } | { readonly path: string },
  ) => {
    servers.push(server)
    server.maxConnections = mostConnections
    server.listen(at)
    await once(server, 'listening')
  }
  try {
    const canTell = await canTellOwners()
    if (!canTell)
      log.warn('this system does not tell who connects over the loopback: its other users can use this, too')
    const loopback = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
      keep(socket)
      void letIn(socket, canTell, log, take)
    })
    await listen(loopback, { host: HOST, port })
    const address = loopback.address() as AddressInfo
    const path = Buffer.byteLength(socketPath) <= LONGEST_SOCKET_PATH ? socketPath : undefined
    if (path !== undefined) {
      rmSync(path, { force: true })
      const local = createServer({ allowHalfOpen: true }, (socket) => {
        keep(socket)
        take(socket)
      })
      await listen(local, { path })
      chmodSync(path, 0o600)
    }
    return { port: address.port, socketPath: path, close }
  } catch (fault) {
    close()
    throw new MixError(
      { code: 'mix.tunnel_not_listening', address: `${HOST}:${port}`, why: whyOf(fault) },
      { cause: fault },
    )
  }
}

async function letIn(socket: Socket, canTell: boolean, log: Logger, take: (connection: Duplex) => void): Promise<void> {
  const owner = canTell ? await ownerOf(socket) : 'own'
  if (socket.destroyed) return
  if (owner === 'own') return take(socket)
  log.warn({ owner }, 'a connection of another user was turned away')
  socket.destroy()
}
