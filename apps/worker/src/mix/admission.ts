import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ApiError, type MixnetView } from '@fog/contract'
import { signAdmission } from '@fog/betanet/directory'
import type { MixKeys } from '@fog/betanet/node'
import { type Clock, type Rng, toHex } from '@fog/kernel'
import { writeFileAtomically } from '../files.ts'
import { retried } from '../retry.ts'
import type { MixConfig } from './config.ts'
import type { HttpDirectory } from './http-directory.ts'
import { MixError } from './mix-error.ts'

const RETRY = { tries: 10, firstMs: 250, mostMs: 10_000 } as const

/** How this node was admitted, kept beside its keys so that the join token is needed once. */
interface Membership {
  /** The network's name, hex: admitted to one is not admitted to another. */
  readonly network: string
  readonly operator: string
}

export interface AdmissionNeeds {
  readonly directory: HttpDirectory
  readonly keys: MixKeys
  readonly clock: Clock
  readonly rng: Rng
  readonly signal: AbortSignal
}

/**
 * The operator's name that the node's descriptors have to bear, after it was admitted where that is asked for. Throws
 * `mix.join_token_missing`, `mix.join_token_unreadable` or `mix.join_refused`.
 */
export async function admitted(
  config: MixConfig,
  network: Uint8Array,
  admission: MixnetView['admission'] | undefined,
  needs: AdmissionNeeds,
): Promise<string> {
  const file = join(config.folder, 'membership.json')
  const kept = readMembership(file)
  if (kept?.network === toHex(network)) return config.operator ?? kept.operator
  const joinToken = readToken(config)
  if (joinToken !== undefined) {
    const operator = await joinNetwork(config, network, joinToken, needs)
    const membership: Membership = { network: toHex(network), operator }
    writeFileAtomically(file, `${JSON.stringify(membership)}\n`, 0o600)
    return operator
  }
  const identityKey = toHex(needs.keys.identity.publicKey)
  // Somebody admitted it already, or nobody has to: its operator has a name then, or is nobody else's.
  if (config.operator !== undefined) return config.operator
  if (admission === 'anyone') return `node-${identityKey.slice(0, 16)}`
  throw new MixError({ code: 'mix.join_token_missing', url: needs.directory.address, identityKey })
}

async function joinNetwork(
  { name, operator }: MixConfig,
  network: Uint8Array,
  joinToken: string,
  { directory, keys, clock, rng, signal }: AdmissionNeeds,
): Promise<string> {
  const identityKey = toHex(keys.identity.publicKey)
  const proof = toHex(signAdmission(network, keys.identity.secretKey))
  const body = { joinToken, identityKey, proof, name, ...(operator !== undefined && { operator }) }
  try {
    const node = await retried(() => directory.join(body), { clock, rng }, { ...RETRY, isPassing, signal })
    return node.operator
  } catch (fault) {
    if (!(fault instanceof ApiError)) throw fault
    throw new MixError({ code: 'mix.join_refused', url: directory.address, why: fault.message }, { cause: fault })
  }
}

function readToken({ joinToken, joinTokenFile }: MixConfig): string | undefined {
  if (joinToken !== undefined || joinTokenFile === undefined) return joinToken
  try {
    return readFileSync(joinTokenFile, 'utf8').trim() || undefined
  } catch (fault) {
    throw new MixError({ code: 'mix.join_token_unreadable', file: joinTokenFile }, { cause: fault })
  }
}

/** Undefined where it is missing or not whole: then the node asks to be admitted again, which changes nothing if it is. */
function readMembership(file: string): Membership | undefined {
  try {
    const { network, operator } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Membership>
    return typeof network === 'string' && typeof operator === 'string' ? { network, operator } : undefined
  } catch {
    return undefined
  }
}

/** Whether asking again later may be answered differently. */
function isPassing(fault: unknown): boolean {
  return !(fault instanceof ApiError) || fault.status === 408 || fault.status === 429 || fault.status >= 500
}
