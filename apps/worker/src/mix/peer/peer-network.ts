import { join } from 'node:path'
import { clientTimesOf, type Consensus, DirectoryClient, type DirectoryRules } from '@fog/betanet/directory'
import { homeGateways } from '@fog/betanet'
import type { Clock, Rng } from '@fog/kernel'
import type { NetworkConfig } from '../config.ts'
import { HttpDirectory } from '../http-directory.ts'
import { KeptDocuments } from '../kept-documents.ts'
import { MixError, whyOf } from '../mix-error.ts'
import { type PinEvent, pinnedRules } from '../network-pin.ts'

const MOST_REQUEST_MS = 10_000
/** The directory is asked this often in an epoch while there is something to ask for, but once a second at least. */
const ASKS_AN_EPOCH = 50
const START_MS = 120_000

export interface PeerNetworkNeeds {
  readonly clock: Clock
  readonly rng: Rng
  readonly signal: AbortSignal
  /** Ends the wait for a network that was never met; `signal` unless it is said. */
  readonly meetSignal?: AbortSignal | undefined
  readonly tell: (event: PinEvent) => void
}

/** The network as a peer knows it: pinned rules, and consensuses as they come. */
export class PeerNetwork {
  readonly rules: DirectoryRules
  readonly http: HttpDirectory
  readonly directory: DirectoryClient
  readonly #needs: PeerNetworkNeeds
  readonly #documents: KeptDocuments
  readonly #changed = new Set<() => void>()
  #fault: string | undefined

  private constructor(needs: PeerNetworkNeeds, rules: DirectoryRules, http: HttpDirectory, folder: string) {
    this.rules = rules
    this.http = http
    this.#needs = needs
    this.#documents = new KeptDocuments(folder)
    const { network, authorities, threshold, schedule } = rules
    this.directory = new DirectoryClient(needs, { network, authorities, threshold, ...clientTimesOf(schedule) })
    for (const document of this.#documents.read()) this.directory.take(document)
  }

  /** Pins the network in a folder that is there, or finds it as it was pinned. Throws as `pinnedRules` does. */
  static async open(
    config: NetworkConfig & { readonly folder: string },
    needs: PeerNetworkNeeds,
  ): Promise<PeerNetwork> {
    const { urls, folder, network } = config
    const { clock, rng, signal, meetSignal = signal } = needs
    const http = new HttpDirectory({ clock, rng }, { urls, timeoutMs: MOST_REQUEST_MS, signal })
    const rules = await pinnedRules(join(folder), network, { directory: http, ...needs, signal: meetSignal })
    return new PeerNetwork(needs, rules, http, folder)
  }

  /** Keeps the consensus up to date until the signal. */
  async follow(): Promise<void> {
    const { clock, signal } = this.#needs
    const { epochMs } = this.rules.schedule
    while (!signal.aborted) {
      await this.fetch()
      await clock.sleep(Math.min(1_000, epochMs / ASKS_AN_EPOCH), signal).catch(() => undefined)
    }
  }

  /** Asks for the newest consensus when there should be one. */
  async fetch(): Promise<void> {
    const { clock } = this.#needs
    const staleAt = this.directory.staleAt()
    if (staleAt !== undefined && clock.now() < staleAt - this.rules.schedule.closeMs) return
    try {
      const bytes = await this.http.consensus()
      const taken = bytes && this.directory.take(bytes)
      this.#fault = taken && !taken.ok ? `${taken.reason}: ${taken.detail}` : undefined
      if (!taken?.ok || !taken.isNew) return
      this.#documents.write(this.directory.documents())
    } catch (fault) {
      this.#fault = whyOf(fault)
      return
    }
    for (const heard of this.#changed) heard()
  }

  /** What last kept a consensus from being taken. */
  get fault(): string | undefined {
    return this.#fault
  }

  /** How far this machine's clock is from the directory's, where that is more than the network allows for. For people. */
  get clockOff(): { readonly aheadMs: number; readonly mostMs: number } | undefined {
    const { maxSkewMs: mostMs } = clientTimesOf(this.rules.schedule)
    const aheadMs = this.http.clockAheadMs
    return Math.abs(aheadMs) > mostMs ? { aheadMs, mostMs } : undefined
  }

  onChanged(heard: () => void): void {
    this.#changed.add(heard)
  }

  /** Waits for a consensus in force that has gateways. Throws `mix.no_consensus`. */
  async usable(withinMs = START_MS): Promise<Consensus> {
    const { clock, signal } = this.#needs
    const endsAt = clock.now() + withinMs
    for (;;) {
      await this.fetch()
      const consensus = this.directory.current()
      if (consensus && homeGateways(consensus, new Uint8Array(32)).length > 0) return consensus
      if (clock.now() >= endsAt)
        throw new MixError({ code: 'mix.no_consensus', url: this.http.address, seconds: Math.round(withinMs / 1000) })
      await clock.sleep(Math.min(500, this.rules.schedule.epochMs / ASKS_AN_EPOCH), signal)
    }
  }
}
