import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** By protocol: a line for each connection of this network namespace, with the user who made it (proc_pid_net(5)). */
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'] as const
const USER_COLUMN = 7
const HOST = '127.0.0.1'

type Ends = Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>

/**
 * Whether a connection over the loopback was made by this process's own user: on Linux, where the kernel tells. `unknown` where it
 * does not, or the connection is gone already.
 */
export async function ownerOf(socket: Ends): Promise<'own' | 'other' | 'unknown'> {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  const [from, to] = [endpoint(remoteAddress, remotePort), endpoint(localAddress, localPort)]
  const ownUser = process.getuid?.()
  if (!from || !to || ownUser === undefined) return 'unknown'
  for (const table of TABLES) {
    const user = userOf(await readFile(table, 'latin1').catch(() => ''), from, to)
    if (user !== undefined) return user === ownUser ? 'own' : 'other'
  }
  return 'unknown'
}

/** Whether this system tells: asked about a connection of one's own. */
export async function canTellOwners(): Promise<boolean> {
  const server = createServer().listen({ host: HOST, port: 0 })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const knock = connect({ host: HOST, port })
  try {
    await once(knock, 'connect')
    const { localPort: remotePort } = knock
    return (await ownerOf({ remoteAddress: HOST, remotePort, localAddress: HOST, localPort: port })) === 'own'
  } finally {
    knock.destroy()
    server.close()
  }
}

/** Who made the connection from one place to the other; addresses of IPv4 in IPv6 end as they are written alone. */
function userOf(table: string, from: string, to: string): number | undefined {
  for (const line of table.split('\n')) {
    const [, local = '', remote = '', ...rest] = line.trim().split(/\s+/)
    if (!local.endsWith(from) || !remote.endsWith(to)) continue
    const user = Number(rest[USER_COLUMN - 3])
    return Number.isInteger(user) ? user : undefined
  }
  return undefined
}

/** As the tables write it: the address as a little-endian number, the port as a big-endian one, in hex. */
function endpoint(address: string | undefined, port: number | undefined): string | undefined {
  const octets = address?.split('.').map(Number)
  if (octets?.length !== 4 || port === undefined) return undefined
  const hex = (value: number, digits: number) => value.toString(16).toUpperCase().padStart(digits, '0')
  const words = octets.toReversed().map((octet) => hex(octet, 2))
  return `${words.join('')}:${hex(port, 4)}`
}
