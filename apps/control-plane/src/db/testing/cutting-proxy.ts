import { createConnection, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import path from 'node:path'
import type { PostgresConnection } from '../server/postgres-server.ts'

/** What becomes of the next COMMIT that passes: it is answered, or the line is cut before or after the server has it. */
export type CommitFate = 'passes' | 'cut_before' | 'cut_after'

/** Stands between us and the server, and cuts the line when a COMMIT passes. */
export class CuttingProxy {
  fate: CommitFate = 'passes'
  /** After a cut, nobody gets through any more. */
  dead = false
  /** Called once the cut has happened. */
  onCut: () => void = () => undefined
  readonly connection: PostgresConnection
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server, connection: PostgresConnection) {
    this.#server = server
    this.connection = connection
  }

  /** Listens in `folder` as a server would. */
  static async open(folder: string, to: PostgresConnection): Promise<CuttingProxy> {
    const server = createServer()
    const proxy = new CuttingProxy(server, { ...to, host: folder })
    const target = path.join(to.host, `.s.PGSQL.${to.port}`)
    server.on('connection', (client) => proxy.#relay(client, createConnection(target)))
    await new Promise<void>((resolve) => server.listen(path.join(folder, `.s.PGSQL.${to.port}`), resolve))
    return proxy
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #relay(client: Socket, server: Socket): void {
    const cut = () => {
      client.destroy()
      server.destroy()
    }
    if (this.dead) return cut()
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('error', cut)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        cut()
      })
    }
    let cutAtAnswer = false
    client.on('data', (data) => {
      if (this.fate === 'passes' || !data.includes('COMMIT\0')) return void server.write(data)
      if (this.fate === 'cut_after') server.write(data)
      else this.#cut(cut)
      cutAtAnswer = this.fate === 'cut_after'
      this.fate = 'passes'
    })
    server.on('data', (data) => (cutAtAnswer ? this.#cut(cut) : void client.write(data)))
  }

  #cut(cut: () => void): void {
    cut()
    this.onCut()
  }
}
