import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '@fog/kernel'
import { parsePeerId, type PeerId } from '@fog/p2p'
import { writeFileAtomically } from '../../files.ts'
import type { HttpDirectory } from '../http-directory.ts'
import { MixError, whyOf } from '../mix-error.ts'

const ASK_EVERY_MS = 1_000

export interface EntryPinNeeds {
  readonly http: Pick<HttpDirectory, 'address' | 'rules'>
  readonly clock: Clock
  /** Milliseconds that only grow. */
  readonly now: () => number
  readonly signal: AbortSignal
  /** Told when an address is pinned for the first time. */
  readonly pinned: (entry: PeerId) => void
}

/**
 * The control plane's address in the mixnet, as it was when this folder first met it: who tells another one later could be
 * anybody. While the control plane tells none it is waited for. Throws `mix.entry_changed`, `mix.no_entry` or `mix.pin_unreadable`.
 */
export async function pinnedEntry(
  folder: string,
  wanted: string | undefined,
  withinMs: number,
  { http, clock, now, signal, pinned }: EntryPinNeeds,
): Promise<PeerId> {
  const file = join(folder, 'entry.json')
  const known = wanted === undefined ? readPin(file) : parsePeerId(wanted)
  const found = known ? await askOnce(http) : await askUntil(withinMs, { http, clock, now, signal })
  const url = http.address
  if (known && found && found !== known)
    throw new MixError({ code: 'mix.entry_changed', url, pinned: known, found, file })
  const entry = known ?? found
  if (entry === undefined) throw new MixError({ code: 'mix.no_entry', url, seconds: Math.round(withinMs / 1000) })
  if (readPin(file) !== entry) {
    writeFileAtomically(file, `${JSON.stringify({ entry })}\n`, 0o600)
    pinned(entry)
  }
  return entry
}

/** What is known is gone on with when nobody answers. */
async function askOnce(http: EntryPinNeeds['http']): Promise<PeerId | undefined> {
  return ask(http).catch(() => undefined)
}

async function askUntil(
  withinMs: number,
  { http, clock, now, signal }: Omit<EntryPinNeeds, 'pinned'>,
): Promise<PeerId | undefined> {
  const endsAt = now() + withinMs
  for (;;) {
    const entry = await askOnce(http)
    if (entry !== undefined || now() >= endsAt) return entry
    await clock.sleep(ASK_EVERY_MS, signal)
  }
}

async function ask(http: EntryPinNeeds['http']): Promise<PeerId | undefined> {
  const { entry } = await http.rules()
  return entry && parsePeerId(entry.address)
}

function readPin(file: string): PeerId | undefined {
  if (!existsSync(file)) return undefined
  try {
    const { entry } = JSON.parse(readFileSync(file, 'utf8')) as { readonly entry?: unknown }
    return parsePeerId(String(entry))
  } catch (fault) {
    throw new MixError({ code: 'mix.pin_unreadable', file, why: whyOf(fault) }, { cause: fault })
  }
}
