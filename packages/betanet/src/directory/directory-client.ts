import { equalBytes, toHex, type Clock, type Instant } from '@fog/kernel'
import { DocumentError } from '../codec.ts'
import { verifyLottery, follows } from '../lottery/verify.ts'
import { consensusDigest, signedConsensusForm, signersOf, type Consensus } from './consensus.ts'
import { standingOf, type DirectoryStanding } from './directory-standing.ts'
import { checkTrust, type Trust } from './rules.ts'
import { DEFAULT_TIMES, type Schedule } from './schedule.ts'

export interface ClientTimes {
  /** How far clocks may be apart. */
  readonly maxSkewMs: number
  /** How long before its epoch a consensus may come. */
  readonly maxEarlyMs: number
}

export interface DirectoryClientOptions extends Trust, ClientTimes {}

/** Clocks may be apart by a minute, but no more than this part of an epoch. */
const SKEW_SHARE = 0.05
const MOST_SKEW_MS = 60_000

/**
 * What nodes and clients of a network allow for: clocks a twentieth of an epoch apart, a minute at most, and consensuses as early as
 * authorities begin to agree on them, and a quarter of an epoch, by clocks that are slow.
 */
export function clientTimesOf({ epochMs, closeMs }: Pick<Schedule, 'epochMs' | 'closeMs'>): ClientTimes {
  return { maxSkewMs: Math.min(MOST_SKEW_MS, SKEW_SHARE * epochMs), maxEarlyMs: closeMs + epochMs / 4 }
}

/** Those of a network with epochs of twenty minutes. */
export const DEFAULT_CLIENT_TIMES: ClientTimes = clientTimesOf(DEFAULT_TIMES)

export type RefusedConsensus =
  | 'malformed'
  | 'wrong_network'
  | 'too_few_signatures'
  | 'not_yet_valid'
  | 'expired'
  /** Older than one already seen. */
  | 'rolled_back'
  /** Another than the one already seen for its epoch, both signed by enough: authorities lie. Tell people. */
  | 'equivocation'
  /** Does not follow on the one before it that is held. */
  | 'forked'
  /** Its lottery or beacon does not come out: authorities lie. */
  | 'flawed'

export type TakeConsensusOutcome =
  | { readonly ok: true; readonly consensus: Consensus; readonly isNew: boolean }
  | RefusedOutcome

interface RefusedOutcome {
  readonly ok: false
  readonly reason: RefusedConsensus
  readonly detail: string
}

/**
 * Holds the newest consensus that pinned authorities signed, and lets no one put it back to an older one, ahead of time or onto
 * another network. Where documents come from does not matter: nothing is believed but signatures.
 */
export class DirectoryClient {
  readonly #clock: Clock
  readonly #options: DirectoryClientOptions
  /** Oldest first; two at most: the one in force and the one that is next. */
  #held: Held[] = []
  #highestEpoch = 0
  /** The last one that was refused since one was taken. */
  #refused: RefusedOutcome | undefined

  constructor({ clock }: { readonly clock: Clock }, options: DirectoryClientOptions) {
    checkTrust(options)
    this.#clock = clock
    this.#options = options
  }

  /** Looks at a document from anywhere, and keeps it if it is good and new. */
  take(bytes: Uint8Array): TakeConsensusOutcome {
    const taken = this.#take(bytes)
    if (!taken.ok) this.#refused = taken
    else if (taken.isNew) this.#refused = undefined
    return taken
  }

  /** The consensus in force: the newest that has begun and not expired. */
  current(): Consensus | undefined {
    const now = this.#clock.now()
    const alive = this.#held.filter(({ consensus }) => this.#isAlive(consensus))
    const begun = alive.filter(({ consensus }) => consensus.validAfter <= now)
    // A clock that is a little behind must not leave one without a network at the very start.
    return (begun.at(-1) ?? alive.find(({ consensus }) => consensus.validAfter <= now + this.#options.maxSkewMs))
      ?.consensus
  }

  /** The next epoch's, when it is there already: a node proves its delays and opens links ahead. */
  upcoming(): Consensus | undefined {
    const last = this.#held.at(-1)?.consensus
    return last && last.validAfter > this.#clock.now() ? last : undefined
  }

  /** Those that are held, oldest first: two at most, each looked at before it was taken. */
  consensuses(): readonly Consensus[] {
    return this.#held.map(({ consensus }) => consensus)
  }

  /** How it stands with the directory now, and why. */
  standing(): DirectoryStanding {
    return standingOf(this.current(), this.#held.at(-1)?.consensus, this.#refused, {
      now: this.#clock.now(),
      maxSkewMs: this.#options.maxSkewMs,
    })
  }

  /** Documents to keep over a restart, oldest first: `take` them again, so that an older one is still refused. */
  documents(): readonly Uint8Array[] {
    return this.#held.map(({ bytes }) => bytes)
  }

  /** When a new one should be there: the time to start asking, with some chance added so that not all ask at once. */
  staleAt(): Instant | undefined {
    return this.#held.at(-1)?.consensus.freshUntil
  }

  #take(bytes: Uint8Array): TakeConsensusOutcome {
    const signed = parse(bytes)
    if (typeof signed === 'string') return refused('malformed', signed)
    const { consensus } = signed
    const untrusted = this.#whyUntrusted(signed) ?? this.#whyUntimely(consensus)
    if (untrusted) return untrusted
    const same = this.#held.find(({ consensus: { epoch } }) => epoch === consensus.epoch)
    if (same && equalBytes(same.digest, consensusDigest(consensus)))
      return { ok: true, consensus: same.consensus, isNew: false }
    if (same) return refused('equivocation', `two consensuses of epoch ${consensus.epoch}`)
    if (consensus.epoch <= this.#highestEpoch)
      return refused('rolled_back', `epoch ${consensus.epoch} after ${this.#highestEpoch}`)
    const before = this.#held.find(({ consensus: { epoch } }) => epoch === consensus.epoch - 1)
    if (before && this.#isAlive(before.consensus) && !follows(before.consensus, consensus))
      return refused('forked', `epoch ${consensus.epoch} does not follow on the one before`)
    const flaws = verifyLottery(this.#options, consensus)
    if (flaws.length > 0) return refused('flawed', flaws.join(', '))
    this.#held = [...this.#held, { consensus, digest: consensusDigest(consensus), bytes: bytes.slice() }].slice(-2)
    this.#highestEpoch = consensus.epoch
    return { ok: true, consensus, isNew: true }
  }

  #whyUntrusted(signed: Parsed): TakeConsensusOutcome | undefined {
    const { network, authorities, threshold } = this.#options
    if (!equalBytes(signed.consensus.network, network)) return refused('wrong_network', toHex(signed.consensus.network))
    const signers = signersOf(
      signed,
      authorities.map(({ signingKey }) => signingKey),
    )
    return signers.size < threshold ? refused('too_few_signatures', `${signers.size} of ${threshold}`) : undefined
  }

  #whyUntimely(consensus: Consensus): TakeConsensusOutcome | undefined {
    const { validAfter, freshUntil, validUntil } = consensus
    const now = this.#clock.now()
    const early = Math.max(this.#options.maxEarlyMs, this.#options.maxSkewMs)
    if (validAfter >= freshUntil || freshUntil > validUntil) return refused('malformed', 'its times are out of order')
    if (validAfter > now + early)
      return refused('not_yet_valid', `its epoch begins in ${validAfter - now} ms by this clock, which may be slow`)
    if (this.#isAlive(consensus)) return undefined
    return refused('expired', `${now - validUntil} ms ago by this clock, which may be fast`)
  }

  #isAlive({ validUntil }: Consensus): boolean {
    return this.#clock.now() < validUntil + this.#options.maxSkewMs
  }
}

interface Held {
  readonly consensus: Consensus
  readonly digest: Uint8Array
  readonly bytes: Uint8Array
}

type Parsed = ReturnType<typeof signedConsensusForm.parse>

/** The document, or what is wrong with it. */
function parse(bytes: Uint8Array): Parsed | string {
  try {
    return signedConsensusForm.parse(bytes)
  } catch (fault) {
    if (fault instanceof DocumentError) return fault.message
    throw fault
  }
}

function refused(reason: RefusedConsensus, detail: string): RefusedOutcome {
  return { ok: false, reason, detail }
}
