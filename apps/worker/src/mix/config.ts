import { availableParallelism, hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { MixError } from './mix-error.ts'
import { SettingReader, type Environment, type SettingName } from './setting-reader.ts'

/** Where the status is served: a port of the loopback, a socket in the file system, or nowhere. */
export type AdminPlace =
  | { readonly kind: 'port'; readonly host: string; readonly port: number }
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'off' }

/** What all programs of the mixnet need to know of the network. */
export interface NetworkConfig {
  /** Control planes that keep its directory; any of them serves documents, each takes descriptors. */
  readonly urls: readonly string[]
  /** Fingerprint of the network, 64 hex digits; without it the first one met is pinned. */
  readonly network: string | undefined
  readonly logLevel: (typeof LOG_LEVELS)[number]
}

/** Every setting of a mix node, read once. */
export interface MixConfig extends NetworkConfig {
  /** The node's own folder: keys, the pinned network, consensuses. One node at a time. */
  readonly folder: string
  readonly role: 'mix' | 'gateway'
  /** What people see in lists. */
  readonly name: string
  /** Whose node it is, in its descriptors; undefined takes what the directory says. */
  readonly operator: string | undefined
  readonly joinToken: string | undefined
  readonly joinTokenFile: string | undefined
  readonly host: string
  readonly advertisedHost: string
  /** One for each thread; 0 takes any free one. */
  readonly ports: readonly number[]
  readonly datagrams: boolean
  readonly packetsPerSecond: number
  readonly admin: AdminPlace
  readonly drainMs: number
}

/** Every setting of who sends and receives through the network, or audits it. */
export interface PeerConfig extends NetworkConfig {
  /** The peer's own folder: its key, the pinned network. */
  readonly folder: string
  /** Whether cover is sent as the network says, or not at all. */
  readonly cover: 'consensus' | 'off'
  /** The control plane's address in the mixnet, for tunnels; without it the first one met is pinned. */
  readonly entry: string | undefined
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
const NAMES = {
  url: ['url', 'FOG_MIX_URL'],
  /** Where nothing of the mixnet's own is said. */
  fogUrl: ['url', 'FOG_URL'],
  folder: ['folder', 'FOG_MIX_DIR'],
  peerFolder: ['folder', 'FOG_MIX_PEER_DIR'],
  network: ['network', 'FOG_MIX_NETWORK'],
  role: ['role', 'FOG_MIX_ROLE'],
  name: ['name', 'FOG_MIX_NAME'],
  operator: ['operator', 'FOG_MIX_OPERATOR'],
  host: ['host', 'FOG_MIX_HOST'],
  advertisedHost: ['advertisedHost', 'FOG_MIX_ADVERTISED_HOST'],
  port: ['port', 'FOG_MIX_PORT'],
  threads: ['threads', 'FOG_MIX_THREADS'],
  udp: ['udp', 'FOG_MIX_UDP'],
  packetsPerSecond: ['packetsPerSecond', 'FOG_MIX_PACKETS_PER_SECOND'],
  admin: ['admin', 'FOG_MIX_ADMIN'],
  drainSeconds: ['drainSeconds', 'FOG_MIX_DRAIN_SECONDS'],
  cover: ['cover', 'FOG_MIX_COVER'],
  entry: ['entry', 'FOG_MIX_ENTRY'],
  logLevel: ['logLevel', 'FOG_LOG_LEVEL'],
  joinTokenFile: ['joinTokenFile', 'FOG_JOIN_TOKEN_FILE'],
} as const satisfies Readonly<Record<string, SettingName>>

const DEFAULT_URL = 'http://127.0.0.1:7070'
/** Some six million packets an epoch of twenty minutes: 32 MiB of replay filter for each of two epochs. */
const DEFAULT_PACKETS_PER_SECOND = 5_000
const HOST = /^[A-Za-z0-9.:_-]{1,253}$/
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/**
 * Reads the settings of a node: of the file given or named by the environment, which wins over it. Throws `mix.setting_invalid`,
 * `mix.setting_unknown` or `mix.config_unreadable`.
 */
export function readMixConfig(file: string | undefined, env: Environment = process.env): MixConfig {
  const read = new SettingReader(env, file ?? (env['FOG_MIX_CONFIG'] || undefined))
  const folder = resolve(read.text(NAMES.folder, /./, 'a folder') ?? join(dataDirOf(env), 'mix'))
  const host = read.text(NAMES.host, HOST, 'an address to listen on, such as 0.0.0.0') ?? '127.0.0.1'
  const threads = read.whole(NAMES.threads, { min: 1, max: 64 }) ?? Math.min(64, availableParallelism())
  const firstPort = read.whole(NAMES.port, { min: 0, max: 65_536 - threads }) ?? 0
  const config: MixConfig = {
    ...networkConfig(read),
    folder,
    role: read.oneOf(NAMES.role, ['mix', 'gateway']) ?? 'mix',
    name: read.text(NAMES.name, /^\P{Cc}{1,100}$/u, 'a name of 1 to 100 characters') ?? (hostname() || 'mix'),
    operator: read.text(NAMES.operator, /^[\x21-\x7e]{1,64}$/, '1 to 64 visible ASCII characters'),
    joinToken: env['FOG_JOIN_TOKEN'] || undefined,
    joinTokenFile: read.text(NAMES.joinTokenFile, /./, 'a file'),
    host,
    advertisedHost: read.text(NAMES.advertisedHost, HOST, 'the name or address others reach this node by') ?? host,
    ports: Array.from({ length: threads }, (_, thread) => (firstPort === 0 ? 0 : firstPort + thread)),
    datagrams: read.flag(NAMES.udp) ?? false,
    packetsPerSecond: read.whole(NAMES.packetsPerSecond, { min: 1, max: 10_000_000 }) ?? DEFAULT_PACKETS_PER_SECOND,
    admin: adminPlace(read.text(NAMES.admin, ADMIN, ADMIN_WANTS), folder),
    drainMs: (read.whole(NAMES.drainSeconds, { min: 0, max: 3_600 }) ?? 10) * 1000,
  }
  read.finish()
  return config
}

/** The same for a peer. Throws `mix.setting_invalid`, `mix.setting_unknown` or `mix.config_unreadable`. */
export function readPeerConfig(file: string | undefined, env: Environment = process.env): PeerConfig {
  const read = new SettingReader(env, file)
  const config: PeerConfig = {
    ...networkConfig(read),
    folder: resolve(read.text(NAMES.peerFolder, /./, 'a folder') ?? join(dataDirOf(env), 'mix-peer')),
    cover: (read.flag(NAMES.cover) ?? true) ? 'consensus' : 'off',
    entry: read.text(NAMES.entry, /^[0-9a-f]{64}$/, "the control plane's address in the mixnet: 64 hex digits"),
  }
  read.finish()
  return config
}

function networkConfig(read: SettingReader): NetworkConfig {
  const wants = 'addresses such as http://fog.example:7070'
  const urls = read.texts(NAMES.url, isWebAddress, wants) ?? read.texts(NAMES.fogUrl, isWebAddress, wants)
  return {
    urls: (urls ?? [DEFAULT_URL]).map((url) => url.replace(/\/+$/, '')),
    network: read.text(NAMES.network, /^[0-9a-f]{64}$/, 'the fingerprint of a network: 64 hex digits'),
    logLevel: read.oneOf(NAMES.logLevel, LOG_LEVELS) ?? 'info',
  }
}

function dataDirOf(env: Environment): string {
  return env['FOG_DATA_DIR'] || '.fog'
}

const ADMIN = /^(off|(?:[\w.-]+|\[::1\]):\d{1,5}|\/.+)$/
const ADMIN_WANTS = 'a port of the loopback such as 127.0.0.1:7071, the path of a socket, or off'

function adminPlace(text: string | undefined, folder: string): AdminPlace {
  if (text === 'off') return { kind: 'off' }
  if (text === undefined) return { kind: 'socket', path: join(folder, 'admin.sock') }
  if (text.startsWith('/')) return { kind: 'socket', path: text }
  const at = text.lastIndexOf(':')
  const [host, port] = [text.slice(0, at), Number(text.slice(at + 1))]
  // Nobody but who is on this machine may ask: the status is not for others, and there is no log-in.
  if (!LOOPBACK.test(host) || port > 65_535)
    throw new MixError({ code: 'mix.setting_invalid', name: 'admin', text, wants: ADMIN_WANTS })
  return { kind: 'port', host: host.replace(/^\[|\]$/g, ''), port }
}

function isWebAddress(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url?.protocol === 'http:' || url?.protocol === 'https:'
}
