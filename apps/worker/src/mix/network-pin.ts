import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MixnetView } from '@fog/contract'
import { type DirectoryRules, readRules, rulesForm } from '@fog/betanet/directory'
import { canonicalJson, type Clock, fromUtf8, type Json, type Rng, toHex, utf8 } from '@fog/kernel'
import { blake2b } from '@fog/kernel/node'
import { writeFileAtomically } from '../files.ts'
import { backoffMs } from '../retry.ts'
import { MixError, whyOf } from './mix-error.ts'

const BACKOFF = { firstMs: 250, mostMs: 15_000 } as const

/**
 * 64 hex digits that stand for all that must not change of a network: its name, its authorities and how many of them it takes, its
 * times. Parameters are voted on anew for each epoch.
 */
export function fingerprintOf(rules: DirectoryRules): string {
  const { parameters: _votedOn, ...fixed } = JSON.parse(fromUtf8(rulesForm.encode(rules))) as Record<string, Json>
  return toHex(blake2b(32, undefined, utf8('fog betanet pin v1'), utf8(canonicalJson(fixed))))
}

/** A key by the beginning of its hash, as people compare it. */
export function keyFingerprint(key: Uint8Array): string {
  const hex = toHex(blake2b(16, undefined, utf8('fog betanet key v1'), key))
  return hex.match(/.{4}/g)!.join(' ')
}

export interface PinNeeds {
  readonly directory: { readonly address: string; rules(): Promise<MixnetView> }
  readonly clock: Clock
  readonly rng: Rng
  readonly signal: AbortSignal
  /** Told when a network is pinned for the first time, and while nobody can be asked for one. */
  readonly tell: (event: PinEvent) => void
}

export type PinEvent =
  | { readonly type: 'pinned'; readonly rules: DirectoryRules; readonly fingerprint: string }
  | { readonly type: 'unreachable'; readonly why: string; readonly isKnown: boolean }

/**
 * The network's rules, as they were when this folder first met it. Trust on first use: what is asked later must say the same.
 * While nobody answers, a known network goes on as it was, and an unknown one is waited for. Throws `mix.network_changed`,
 * `mix.network_not_wanted`, `mix.network_unsound` or `mix.pin_unreadable`.
 */
export async function pinnedRules(
  folder: string,
  wanted: string | undefined,
  needs: PinNeeds,
): Promise<DirectoryRules> {
  const file = join(folder, 'network.json')
  const known = readPin(file)
  const url = needs.directory.address
  if (known && wanted !== undefined && fingerprintOf(known) !== wanted)
    throw new MixError({ code: 'mix.network_changed', url, pinned: fingerprintOf(known), found: wanted, file })
  const found = await askRules(needs, known !== undefined)
  if (!found) return known!
  const fingerprint = fingerprintOf(found)
  if (wanted !== undefined && fingerprint !== wanted)
    throw new MixError({ code: 'mix.network_not_wanted', url, wanted, found: fingerprint })
  if (known && fingerprintOf(known) !== fingerprint)
    throw new MixError({ code: 'mix.network_changed', url, pinned: fingerprintOf(known), found: fingerprint, file })
  if (!known) {
    writeFileAtomically(file, `${fromUtf8(rulesForm.encode(found))}\n`, 0o600)
    needs.tell({ type: 'pinned', rules: found, fingerprint })
  }
  return found
}

async function askRules(needs: PinNeeds, isKnown: boolean): Promise<DirectoryRules | undefined> {
  const { directory, clock, rng, signal, tell } = needs
  for (let tries = 1; ; tries++) {
    let view: MixnetView
    try {
      view = await directory.rules()
    } catch (fault) {
      signal.throwIfAborted()
      tell({ type: 'unreachable', why: whyOf(fault), isKnown })
      if (isKnown) return undefined
      await clock.sleep(backoffMs(tries, BACKOFF, rng), signal)
      continue
    }
    try {
      return readRules(view.rules)
    } catch (fault) {
      throw new MixError({ code: 'mix.network_unsound', url: directory.address, why: whyOf(fault) }, { cause: fault })
    }
  }
}

function readPin(file: string): DirectoryRules | undefined {
  if (!existsSync(file)) return undefined
  try {
    return readRules(JSON.parse(readFileSync(file, 'utf8')) as Json)
  } catch (fault) {
    throw new MixError({ code: 'mix.pin_unreadable', file, why: whyOf(fault) }, { cause: fault })
  }
}
