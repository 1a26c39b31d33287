import type { Duplex } from 'node:stream'
import { clientTimesOf, DirectoryClient, type DirectoryRules } from '@fog/betanet/directory'
import { BetaNetTransport } from '@fog/betanet/node'
import type { DhKeyPair } from '@fog/kernel'
import { monotonicMs, noiseSuite } from '@fog/kernel/node'
import { StreamMultiplexer } from '@fog/p2p'
import type { Platform } from '../../platform.ts'
import type { EntrySettings } from '../settings.ts'
import { arrivalOf } from './arrivals.ts'
import { type EntryIdentity, findEntry } from './entry-keys.ts'
import { EntryMetrics } from './entry-metrics.ts'

/** Where consensuses come from. */
export interface EntryDocuments {
  lastConsensusEpoch(before?: number): Promise<number | undefined>
  findConsensus(epoch: number): Promise<Uint8Array | undefined>
}

export interface ServeNeeds {
  readonly rules: DirectoryRules
  readonly documents: EntryDocuments
  /** Takes a connection as if it had come by a socket. */
  readonly connect: (connection: Duplex) => void
}

/** A new consensus is looked for so often in an epoch, but once a second at least. */
const LOOKS_AN_EPOCH = 50
const LONGEST_LOOK_MS = 1_000
/** For those at the other ends to hear that it stops. */
const GOODBYE_MS = 2_000

/**
 * The control plane as a peer of the mixnet: each stream that a peer opens is a connection of its HTTP server. One control plane at
 * a time serves an address, the one that leads, since what is sent to a peer is delivered once.
 */
export class MixnetEntry {
  readonly address: string
  readonly metrics = new EntryMetrics()
  readonly #platform: Platform
  readonly #settings: EntrySettings
  readonly #keys: DhKeyPair | undefined
  #measure = () => undefined as void

  constructor(platform: Platform, { address, keys }: EntryIdentity, settings: EntrySettings) {
    this.address = address
    this.#platform = platform
    this.#settings = settings
    this.#keys = keys
  }

  /** Whether the keys are here, so that this control plane serves it when it leads. */
  get mayServe(): boolean {
    return this.#keys !== undefined
  }

  /** Serves until the signal: opens links as soon as there is a consensus, and follows those that come. */
  async serve({ rules, documents, connect }: ServeNeeds, signal: AbortSignal): Promise<void> {
    if (!this.#keys) return
    const { clock, rng, log } = this.#platform
    const { network, authorities, threshold, schedule } = rules
    const directory = new DirectoryClient({ clock }, { network, authorities, threshold, ...clientTimesOf(schedule) })
    const transport = new BetaNetTransport(
      {
        keys: this.#keys,
        directory,
        noise: noiseSuite(),
        clock,
        rng,
        now: monotonicMs,
        log: ({ type }) => log.debug({ type }, 'a link of the entry to a gateway'),
      },
      { sendMeanMs: this.#settings.sendMeanMs },
    )
    const accept = (stream: Parameters<typeof arrivalOf>[0]) => connect(arrivalOf(stream))
    const streams = new StreamMultiplexer({ transport, clock, rng, accept })
    this.#measure = () => this.metrics.note(streams.stats(), transport.status().gateways.length)
    transport.start()
    try {
      await this.#follow(
        documents,
        directory,
        transport,
        signal,
        Math.min(LONGEST_LOOK_MS, schedule.epochMs / LOOKS_AN_EPOCH),
      )
    } finally {
      await streams.stop(GOODBYE_MS)
      transport.stop()
      this.measure()
      this.#measure = () => undefined
      this.metrics.stopped()
    }
  }

  /** Brings what is measured up to date. */
  measure(): void {
    this.#measure()
  }

  async #follow(
    documents: EntryDocuments,
    directory: DirectoryClient,
    transport: BetaNetTransport,
    signal: AbortSignal,
    everyMs: number,
  ): Promise<void> {
    const { clock, log } = this.#platform
    let newest = 0
    while (!signal.aborted) {
      try {
        const last = (await documents.lastConsensusEpoch()) ?? 0
        // The one in force as well as the one to come.
        for (let epoch = Math.max(newest + 1, last - 1); epoch <= last; epoch++) {
          const document = await documents.findConsensus(epoch)
          const taken = document && directory.take(document)
          if (taken && !taken.ok) log.debug({ epoch, reason: taken.reason }, 'the entry did not take a consensus')
        }
        if (last > newest) transport.refresh()
        newest = last
      } catch (err) {
        log.warn({ err }, 'the entry could not look for a consensus')
      }
      await clock.sleep(everyMs, signal).catch(() => undefined)
    }
  }
}

/** Serves the entry for the control plane that leads; undefined where there is none, or its key is not here. */
export function entryLoop(
  {
    entry,
    rules,
    directory,
  }: {
    readonly entry: MixnetEntry | undefined
    readonly rules: DirectoryRules
    readonly directory: EntryDocuments
  },
  connect: ServeNeeds['connect'],
): { run(signal: AbortSignal): Promise<void> } | undefined {
  if (!entry?.mayServe) return undefined
  return { run: (signal) => entry.serve({ rules, documents: directory, connect }, signal) }
}

/** Opens the control plane's way into the mixnet. Throws `mixnet.keys_unusable`. */
export async function openEntry(platform: Platform, settings: EntrySettings): Promise<MixnetEntry> {
  const identity = await findEntry(platform, settings.keyFile)
  const { address, keys } = identity
  if (keys) platform.log.info({ address }, 'this control plane has an address in the mixnet')
  else
    platform.log.warn(
      { address, keyFile: settings.keyFile },
      "the key of this control plane's address in the mixnet is not here: another control plane has to answer there",
    )
  return new MixnetEntry(platform, identity, settings)
}
