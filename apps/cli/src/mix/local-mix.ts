import { request } from 'node:http'
import { join } from 'node:path'
import { CliError } from '../cli-error.ts'
import { objectIn, readIfThere } from '../files.ts'

const ANSWER_MS = 5_000
const MOST_BYTES = 1024 * 1024

interface Quantiles {
  readonly count: number
  readonly p50?: number
  readonly p99?: number
  readonly p999?: number
}

/** What a mix node tells of itself on its own machine: `/status`. Times in milliseconds. */
export interface LocalMix {
  readonly nodeId: string
  readonly role: string
  readonly operator: string
  readonly state: string
  readonly startedAt: number
  readonly ports: readonly number[]
  readonly network: { readonly fingerprint: string; readonly urls: readonly string[] }
  readonly directory: { readonly state: string; readonly why?: string }
  readonly clockAheadMs: number
  readonly epoch?: number
  readonly place?: string
  readonly weight?: number
  readonly nodes: number
  readonly clients: number
  readonly waiting: number
  readonly loops: { readonly sent: number; readonly returned: number; readonly lost: number }
  readonly counts: Readonly<Record<string, number>>
  readonly drops: Readonly<Record<string, number>>
  readonly times: Readonly<Record<'queueing' | 'service' | 'slack', Quantiles>>
  readonly cpuSeconds: number
  readonly memoryBytes: number
  readonly published?: number
  readonly reported?: number
  readonly trouble?: string
}

/** Where the node of a folder serves its status, as the node wrote it down; undefined where none runs. */
export async function findLocalMix(folder: string): Promise<string | undefined> {
  const { admin } = objectIn((await readIfThere(join(folder, 'admin.json'))) ?? '')
  return typeof admin === 'string' ? admin : undefined
}

/** Asks a node how it stands, at `unix:/path` or `http://127.0.0.1:port`. Throws `cli.mix_not_running`. */
export async function askLocalMix(place: string): Promise<LocalMix> {
  try {
    return JSON.parse(await get(place, '/status')) as LocalMix
  } catch (fault) {
    throw new CliError({ code: 'cli.mix_not_running', place }, { cause: fault })
  }
}

function get(place: string, path: string): Promise<string> {
  const to = place.startsWith('unix:')
    ? { socketPath: place.slice('unix:'.length), path }
    : addressOf(new URL(path, place))
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const asked = request({ ...to, timeout: ANSWER_MS }, (response) => {
    const parts: Buffer[] = []
    let bytes = 0
    response.on('data', (part: Buffer) => {
      bytes += part.length
      if (bytes > MOST_BYTES) asked.destroy(new Error('its answer is too long'))
      parts.push(part)
    })
    response.on('end', () => resolve(Buffer.concat(parts).toString()))
    response.on('error', reject)
  })
  asked.on('timeout', () => asked.destroy(new Error('it does not answer')))
  asked.on('error', reject)
  asked.end()
  return promise
}

function addressOf({ hostname, port, pathname }: URL): {
  readonly host: string
  readonly port: string
  readonly path: string
} {
  return { host: hostname.replace(/^\[|\]$/g, ''), port, path: pathname }
}
