import { readFile } from 'node:fs/promises'
import {
  type AuthorityIdentity,
  type AuthorityKeys,
  checkRules,
  type DirectoryRules,
  type NetworkParameters,
  rulesForm,
  type Schedule,
} from '@fog/betanet/directory'
import { canonicalJson, fromBase64Url, type Instant, type Json, toBase64Url, utf8 } from '@fog/kernel'
import { blake2b } from '@fog/kernel/node'
import type { Platform } from '../platform.ts'
import { identityOf, makeAuthorityKeys, readAuthorityKeys } from './authority-keys.ts'
import { MixnetError } from './mixnet-error.ts'
import type { MixnetSettings } from './settings.ts'

/** Another authority, and where it is reached. */
export interface Peer {
  readonly signingKey: Uint8Array
  readonly url: string
}

export interface Network {
  readonly rules: DirectoryRules
  /** This authority's, or undefined where another control plane has them: then this one signs nothing. */
  readonly keys: AuthorityKeys | undefined
  readonly peers: readonly Peer[]
}

/** From the first start until the first epoch: time for nodes to publish and for the first consensus. */
const EPOCHS_BEFORE_FIRST = 0.5
const KEPT_IDENTITY = 'mixnet.authority'

/**
 * Finds the network this control plane serves. Alone, it is its only authority: keys are made at the very first start, and when the
 * network began is kept in the database, so that all control planes on it serve the same one.
 */
export async function findNetwork(platform: Platform, settings: MixnetSettings): Promise<Network> {
  return settings.authoritiesFile === undefined
    ? aloneNetwork(platform, settings)
    : sharedNetwork(platform, settings, settings.authoritiesFile)
}

async function aloneNetwork(platform: Platform, settings: MixnetSettings): Promise<Network> {
  const { database, clock, rng } = platform
  const kept = await database.read.access.kept(KEPT_IDENTITY)
  const own =
    (await readAuthorityKeys(settings.keysFile)) ??
    (kept === undefined ? await makeAuthorityKeys(settings.keysFile, rng) : undefined)
  const ownText = own && identityText(identityOf(own))
  const text = kept ?? (await database.transact(({ access }) => access.keep(KEPT_IDENTITY, ownText!)))
  const authorities = [parseIdentity(JSON.parse(text) as unknown)!]
  const { epochMs, parameters } = settings
  const begin = String(Math.round(clock.now() + epochMs * EPOCHS_BEFORE_FIRST))
  const began = await database.transact(({ access }) => access.keep(`mixnet.genesis.${epochMs}`, begin))
  const rules = rulesOf(authorities, 1, { genesisAt: Number(began), ...timesOf(epochMs) }, parameters)
  return { rules, keys: text === ownText ? own : undefined, peers: [] }
}

async function sharedNetwork(
  { rng }: Platform,
  { keysFile, parameters }: MixnetSettings,
  path: string,
): Promise<Network> {
  const keys = (await readAuthorityKeys(keysFile)) ?? (await makeAuthorityKeys(keysFile, rng))
  const { authorities, threshold, genesisAt, epochSeconds } = await readAuthorities(path)
  const epochMs = epochSeconds * 1000
  try {
    const rules = rulesOf(authorities, threshold, { genesisAt, ...timesOf(epochMs) }, parameters)
    const own = identityText(identityOf(keys))
    const peers = authorities.filter((each) => identityText(each) !== own)
    return { rules, keys: peers.length < authorities.length ? keys : undefined, peers }
  } catch (fault) {
    throw unusable(path, fault instanceof Error ? fault.message : String(fault))
  }
}

/** A quarter of an epoch goes to agreeing, in rounds of a tenth of that: as of the default of twenty minutes. */
function timesOf(epochMs: number): Omit<Schedule, 'genesisAt'> {
  return { epochMs, closeMs: Math.floor(epochMs / 4), roundMs: Math.floor(epochMs / 40) }
}

/** The network's name follows from its authorities and times: who is told others is in another network. */
function rulesOf(
  identities: readonly AuthorityIdentity[],
  threshold: number,
  schedule: Schedule,
  parameters: NetworkParameters,
): DirectoryRules {
  const authorities = identities.map(({ signingKey, vrfKey }) => ({ signingKey, vrfKey }))
  const unnamed = { authorities, threshold, schedule, network: new Uint8Array(32), parameters }
  const { parameters: _votedOn, ...fixed } = JSON.parse(new TextDecoder().decode(rulesForm.encode(unnamed))) as {
    readonly [key: string]: Json
  }
  const network = blake2b(32, undefined, utf8('fog betanet network v1'), utf8(canonicalJson(fixed)))
  const rules = { ...unnamed, network }
  checkRules(rules)
  return rules
}

interface Authorities {
  readonly authorities: readonly (AuthorityIdentity & Peer)[]
  readonly threshold: number
  readonly genesisAt: Instant
  readonly epochSeconds: number
}

async function readAuthorities(path: string): Promise<Authorities> {
  const given = await readFile(path, 'utf8')
    .then((text) => JSON.parse(text) as unknown)
    .catch((fault: unknown) => {
      throw unusable(path, fault instanceof Error ? fault.message : String(fault))
    })
  const { authorities, threshold, genesis, epochSeconds } = (given ?? {}) as Readonly<Record<string, unknown>>
  const genesisAt = typeof genesis === 'string' ? Date.parse(genesis) : Number.NaN
  const found = Array.isArray(authorities) ? authorities.map(parsePeer) : []
  if (found.length === 0 || found.includes(undefined))
    throw unusable(path, 'authorities is not a list of objects with signingKey, vrfKey and url')
  if (!isWhole(threshold)) throw unusable(path, 'threshold is not a whole number')
  if (!isWhole(epochSeconds) || epochSeconds < 2 || epochSeconds > 86_400)
    throw unusable(path, 'epochSeconds is not a whole number from 2 to 86400')
  if (Number.isNaN(genesisAt)) throw unusable(path, 'genesis is not a time such as 2026-01-01T00:00:00Z')
  return { authorities: found.flatMap((each) => each ?? []), threshold, genesisAt, epochSeconds }
}

function parsePeer(given: unknown): (AuthorityIdentity & Peer) | undefined {
  const identity = parseIdentity(given)
  const { url } = (given ?? {}) as { readonly url?: unknown }
  if (!identity || typeof url !== 'string' || !URL.canParse(url) || !/^https?:/.test(url)) return undefined
  return { ...identity, url: url.replace(/\/+$/, '') }
}

function parseIdentity(given: unknown): AuthorityIdentity | undefined {
  const { signingKey, vrfKey } = (given ?? {}) as { readonly signingKey?: unknown; readonly vrfKey?: unknown }
  const [signing, vrf] = [signingKey, vrfKey].map((key) => (typeof key === 'string' ? fromBase64Url(key) : undefined))
  return signing?.length === 32 && vrf?.length === 32 ? { signingKey: signing, vrfKey: vrf } : undefined
}

function identityText({ signingKey, vrfKey }: AuthorityIdentity): string {
  return JSON.stringify({ signingKey: toBase64Url(signingKey), vrfKey: toBase64Url(vrfKey) })
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value)
}

function unusable(path: string, why: string): MixnetError {
  return new MixnetError({ code: 'mixnet.authorities_unusable', path, why: why.replace(/\.$/, '') })
}
