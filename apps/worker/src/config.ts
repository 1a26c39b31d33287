import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { EVICTION_GRACE_MS } from '@fog/idle'
import { FogError } from '@fog/kernel'

/** Every setting, read once. The README lists them; nothing else touches the environment. */
export interface Config {
  /** The worker's own folder: its identity, its spool, its cache. One worker at a time. */
  readonly folder: string
  /** The control plane. */
  readonly url: string
  /** Whether it is spoken to by an ordinary connection, or through the mixnet and nothing else. */
  readonly reach: 'direct' | 'mixnet'
  /** Of the way through the mixnet: what is pinned beforehand, and whether cover is sent. */
  readonly tunnel: TunnelSettings
  /** Needed only the first time, to enrol. */
  readonly joinToken: string | undefined
  /** A file that holds the join token, read only when one is needed. */
  readonly joinTokenFile: string | undefined
  /** What people see in the list of nodes. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly policy: PolicyName
  /** `auto` puts every task into bubblewrap where that works; `off` never. */
  readonly bubblewrap: 'auto' | 'off'
  readonly logLevel: (typeof LOG_LEVELS)[number]
  readonly offer: Offer
  /** Inputs kept for later tasks, at most. */
  readonly cacheBytes: number
  /** Where compiled sources of our own code are kept between starts, for the children as for every process of ours. */
  readonly compileCacheFolder: string | undefined
  /** How long running tasks may go on after the worker is told to stop. */
  readonly stopGraceMs: number
  /** Tasks that were paused this long leave: their memory is somebody's. Undefined takes what the policy says. */
  readonly evictAfterMs: number | undefined
  /** From being told to leave until a task is ended: time to take and ship its checkpoint. */
  readonly evictGraceMs: number
}

export interface TunnelSettings {
  /** Fingerprint of the network; without it the first one met is pinned. */
  readonly network: string | undefined
  /** The control plane's address in the mixnet; without it the first one met is pinned. */
  readonly entry: string | undefined
  readonly cover: 'consensus' | 'off'
}

/** What the lender gives. Undefined takes what the device has. */
export interface Offer {
  readonly cores: number | undefined
  readonly memoryBytes: number | undefined
  readonly diskBytes: number | undefined
  readonly maxTasks: number | undefined
}

const POLICY_NAMES = ['server', 'desktop', 'laptop'] as const
export type PolicyName = (typeof POLICY_NAMES)[number]
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
const MIB = 1_048_576

export class WorkerConfigError extends FogError<{
  code: 'worker.setting_invalid'
  name: string
  text: string
  wants: string
}> {
  static override readonly texts = {
    'worker.setting_invalid': { says: 'The setting {name} is "{text}".', fix: 'It wants {wants}.' },
  }
}

type Environment = Readonly<Record<string, string | undefined>>

/** Reads the settings. Throws `worker.setting_invalid` for the first one that cannot be understood. */
export function readConfig(env: Environment = process.env): Config {
  const whole = (name: string, min: number, max: number) => integer(env, name, min, max)
  const mib = (name: string, min: number) => {
    const value = whole(name, min, 16_777_216)
    return value === undefined ? undefined : value * MIB
  }
  const seconds = (name: string, max: number) => {
    const value = whole(name, 0, max)
    return value === undefined ? undefined : value * 1000
  }
  return {
    folder: resolve(env['FOG_WORKER_DIR'] || join(env['FOG_DATA_DIR'] || '.fog', 'worker')),
    url: webAddress(env, 'FOG_URL', 'http://127.0.0.1:7070'),
    reach: oneOf(env, 'FOG_WORKER_REACH', ['direct', 'mixnet'], 'direct'),
    tunnel: {
      network: hex64(env, 'FOG_MIX_NETWORK'),
      entry: hex64(env, 'FOG_MIX_ENTRY'),
      cover: oneOf(env, 'FOG_MIX_COVER', ['on', 'off'], 'on') === 'on' ? 'consensus' : 'off',
    },
    joinToken: env['FOG_JOIN_TOKEN'] || undefined,
    joinTokenFile: env['FOG_JOIN_TOKEN_FILE'] || undefined,
    name: nameOf(env),
    labels: labels(env, 'FOG_WORKER_LABELS'),
    policy: oneOf(env, 'FOG_WORKER_POLICY', POLICY_NAMES, 'server'),
    bubblewrap: oneOf(env, 'FOG_WORKER_BUBBLEWRAP', ['auto', 'off'], 'auto'),
    logLevel: oneOf(env, 'FOG_LOG_LEVEL', LOG_LEVELS, 'info'),
    offer: {
      cores: whole('FOG_WORKER_CORES', 1, 4096),
      memoryBytes: mib('FOG_WORKER_MEMORY_MIB', 64),
      diskBytes: mib('FOG_WORKER_DISK_MIB', 1),
      maxTasks: whole('FOG_WORKER_MAX_TASKS', 1, 10_000),
    },
    cacheBytes: mib('FOG_WORKER_CACHE_MIB', 16) ?? 2048 * MIB,
    compileCacheFolder: env['NODE_COMPILE_CACHE'] || undefined,
    stopGraceMs: (whole('FOG_WORKER_STOP_GRACE_SECONDS', 0, 86_400) ?? 10) * 1000,
    evictAfterMs: seconds('FOG_WORKER_EVICT_AFTER_SECONDS', 86_400),
    evictGraceMs: seconds('FOG_WORKER_EVICT_GRACE_SECONDS', 3_600) ?? EVICTION_GRACE_MS,
  }
}

function integer(env: Environment, name: string, min: number, max: number): number | undefined {
  const text = env[name]
  if (text === undefined || text === '') return undefined
  const value = Number(text)
  if (!Number.isInteger(value) || value < min || value > max) {
    invalid(name, text, `a whole number from ${min} to ${max}`)
  }
  return value
}

function oneOf<const Choice extends string>(
  env: Environment,
  name: string,
  choices: readonly Choice[],
  fallback: Choice,
): Choice {
  const text = env[name] || fallback
  return choices.find((choice) => choice === text) ?? invalid(name, text, `one of ${choices.join(', ')}`)
}

function hex64(env: Environment, name: string): string | undefined {
  const text = env[name] || undefined
  return text === undefined || /^[0-9a-f]{64}$/.test(text) ? text : invalid(name, text, '64 hex digits')
}

function webAddress(env: Environment, name: string, fallback: string): string {
  const text = env[name] || fallback
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    return invalid(name, text, 'an address such as http://fog.example:7070')
  }
  return text.replace(/\/+$/, '')
}

function nameOf(env: Environment): string {
  const text = env['FOG_WORKER_NAME'] || hostname() || 'worker'
  // The contract's rule for names: no control characters, 1 to 100 long.
  if (text.length <= 100 && !/\p{Cc}/u.test(text)) return text
  return invalid('FOG_WORKER_NAME', text, 'a name of 1 to 100 characters')
}

function labels(env: Environment, name: string): Record<string, string> {
  const text = env[name] || ''
  const pairs = text.split(',').filter((pair) => pair.trim() !== '')
  const read = pairs.map((pair): [string, string] => {
    const [, key, value] = /^\s*([a-z][a-z0-9_.-]{0,62})=(.{0,100}?)\s*$/.exec(pair) ?? []
    if (key === undefined || value === undefined) return invalid(name, text, 'pairs such as region=home,zone=cellar')
    return [key, value]
  })
  if (read.length > 32) invalid(name, text.slice(0, 100), 'at most 32 pairs')
  return Object.fromEntries(read)
}

function invalid(name: string, text: string, wants: string): never {
  throw new WorkerConfigError({ code: 'worker.setting_invalid', name, text, wants })
}
