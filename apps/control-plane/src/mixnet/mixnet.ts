import {
  Authority,
  type Consensus,
  epochAt,
  isFromAuthority,
  signedDescriptorForm,
  type DirectoryRules,
  type DescriptorOutcome,
} from '@fog/betanet/directory'
import { equalBytes, fromHex, toHex } from '@fog/kernel'
import { keyPairFromSeed, monotonicMs, noiseSuite, sha256 } from '@fog/kernel/node'
import type { Platform } from '../platform.ts'
import { Courier } from './courier.ts'
import { DurableDirectory } from './durable-directory.ts'
import { type MixnetEntry, openEntry } from './entry/index.ts'
import { MixnetError } from './mixnet-error.ts'
import { MixnetMetrics } from './mixnet-metrics.ts'
import { findNetwork, type Network } from './network.ts'
import { MemoryMixProbes, type MixProbes } from './probes.ts'
import { Prober } from './prober/prober.ts'
import { FogNodeRegistry } from './registry.ts'
import type { MixnetSettings } from './settings.ts'
import { takeReport } from './take-report.ts'

/** Messages that wait for the control plane that leads: twice what the rounds of an epoch bring. */
const WAITING = { messages: 256, bytes: 64 * 2 ** 20 } as const
const MESSAGES_AT_ONCE = 16

export interface MixnetDependencies {
  readonly platform: Platform
  readonly settings: MixnetSettings
  readonly network: Network
  readonly probes?: MixProbes
  readonly fetch?: typeof fetch
  /** The control plane's own address in the mixnet, where it has one. */
  readonly entry?: MixnetEntry | undefined
}

/** Opens the directory of the mixnet this control plane serves. */
export async function openMixnet(platform: Platform, settings: MixnetSettings): Promise<Mixnet> {
  const network = await findNetwork(platform, settings)
  const entry = settings.entry && (await openEntry(platform, settings.entry))
  const mixnet = new Mixnet({ platform, settings, network, entry })
  const name = toHex(network.rules.network)
  const authorities = network.rules.authorities.length
  if (network.keys) platform.log.info({ network: name, authorities }, "the mixnet's directory is open")
  else
    platform.log.warn(
      { network: name, keysFile: settings.keysFile },
      "the mixnet's directory is open, but its authority's keys are not here: another control plane has to sign",
    )
  return mixnet
}

/**
 * The mixnet's directory as one control plane serves it. All of them take documents in and hand consensuses out; the one that leads
 * also runs the authority, by calling `step`.
 */
export class Mixnet {
  readonly rules: DirectoryRules
  readonly settings: MixnetSettings
  readonly directory: DurableDirectory
  readonly registry: FogNodeRegistry
  readonly probes: MixProbes
  readonly metrics = new MixnetMetrics()
  readonly entry: MixnetEntry | undefined
  readonly #platform: Platform
  readonly #network: Network
  readonly #authority: Authority
  readonly #courier: Courier | undefined
  readonly #digests = new Map<number, string>()

  constructor({ platform, settings, network, probes = new MemoryMixProbes(), fetch, entry }: MixnetDependencies) {
    const { rules, keys, peers } = network
    const { clock, rng, log } = platform
    this.rules = rules
    this.settings = settings
    this.probes = probes
    this.entry = entry
    this.#platform = platform
    this.#network = network
    this.directory = new DurableDirectory({ platform, metrics: this.metrics }, rules.network)
    this.registry = new FogNodeRegistry({ platform, probes }, settings)
    // Without the keys it only takes descriptors in, for which nothing is signed.
    const { publicKey: signingKey, secretKey: signingSecretKey } = keyPairFromSeed(rng.bytes(32))
    const ownKeys = keys ?? { signingKey, signingSecretKey, vrfSecretKey: rng.bytes(32) }
    const { directory: store, registry } = this
    this.#authority = new Authority({ store, clock, keys: ownKeys, registry }, rules)
    if (keys && peers.length > 0) {
      const { epochMs } = rules.schedule
      const options = { network: rules.network, peers, usefulMs: epochMs }
      this.#courier = new Courier({ clock, log, metrics: this.metrics, keys, ...(fetch && { fetch }) }, options)
    }
  }

  /** Which of the authorities this is, from 0 on; undefined when another control plane has the keys. */
  get authorityIndex(): number | undefined {
    const { keys } = this.#network
    const index = keys ? this.rules.authorities.findIndex((each) => equalBytes(each.signingKey, keys.signingKey)) : -1
    return index < 0 ? undefined : index
  }

  /** Its name in hex. */
  get name(): string {
    return toHex(this.rules.network)
  }

  get epoch(): number {
    return epochAt(this.rules.schedule, this.#platform.clock.now())
  }

  /** How often `step` should be called: often enough to be in time for each round. */
  get stepMs(): number {
    return Math.max(20, Math.min(1_000, Math.floor(this.rules.schedule.roundMs / 4)))
  }

  /** Whether there is anything to do for one that leads. */
  get mayStep(): boolean {
    return this.#network.keys !== undefined
  }

  /** Takes a descriptor in. Throws `mixnet.descriptor_refused`. */
  async takeDescriptor(bytes: Uint8Array): Promise<{ readonly epoch: number; readonly isNew: boolean }> {
    const outcome = await this.#authority.takeDescriptor(bytes)
    this.metrics.descriptor(outcome.ok ? (outcome.isNew ? 'taken' : 'known') : outcome.reason)
    if (outcome.ok) return { epoch: outcome.epoch, isNew: outcome.isNew }
    const detail = await this.#explain(outcome, bytes)
    throw new MixnetError({ code: 'mixnet.descriptor_refused', reason: outcome.reason, detail })
  }

  /** Takes a node's traffic report in. Throws `mixnet.report_refused`. */
  async takeReport(bytes: Uint8Array): Promise<{ readonly epoch: number; readonly isNew: boolean }> {
    try {
      const taken = await takeReport(this.#platform, this, bytes)
      this.metrics.report(taken.isNew ? 'taken' : 'known')
      return taken
    } catch (fault) {
      if (fault instanceof MixnetError && fault.facts.code === 'mixnet.report_refused')
        this.metrics.report(fault.facts.reason)
      throw fault
    }
  }

  /** Whether this is another authority of the network: nobody else's message is worth reading. Throws `mixnet.message_refused`. */
  expectMessageFrom(authority: string): void {
    const isPeer = this.#network.peers.some(({ signingKey }) => toHex(signingKey) === authority)
    if (isPeer) return
    this.metrics.message('in', 'unknown_sender')
    throw new MixnetError({ code: 'mixnet.message_refused', reason: 'it is not from another authority' })
  }

  /** Leaves a message for the control plane that leads. Throws `mixnet.message_refused` or `mixnet.busy`. */
  async takeMessage(bytes: Uint8Array, authority: string, signature: string): Promise<void> {
    this.expectMessageFrom(authority)
    const { network } = this.rules
    if (!isFromAuthority(network, bytes, fromHex(signature)!, fromHex(authority)!)) {
      this.metrics.message('in', 'not_genuine')
      throw new MixnetError({ code: 'mixnet.message_refused', reason: 'its signature is not right' })
    }
    const at = this.#platform.clock.now()
    const hasRoom = await this.#platform.database.transact(async (tx) => {
      tx.wake('mixnet')
      return tx.mixnet.addMessage(this.name, bytes, at, WAITING)
    })
    this.metrics.message('in', hasRoom ? 'queued' : 'no_room')
    if (!hasRoom) throw new MixnetError({ code: 'mixnet.busy' })
  }

  /** One step of the authority, for the control plane that leads: reads what others sent, and does what is due. */
  async step(): Promise<'more' | 'idle'> {
    if (!this.mayStep) return 'idle'
    const read = this.#network.peers.length > 0 ? await this.#readMessages() : 0
    const { send } = await this.#authority.tick()
    this.#courier?.send(send)
    return read === MESSAGES_AT_ONCE ? 'more' : 'idle'
  }

  /** Measures the nodes, for the control plane that leads; undefined where the settings say that none are. */
  prober(): Prober | undefined {
    const { clock, rng, log } = this.#platform
    const { probesPerMinute: perMinute } = this.settings
    if (perMinute === 0) return undefined
    const needs = { clock, rng, log, probes: this.probes, metrics: this.metrics.probes }
    const consensus = () => this.#consensusInForce()
    return new Prober({ ...needs, noise: noiseSuite(), now: monotonicMs, consensus }, { perMinute })
  }

  /** The newest consensus, or that of an epoch, with the hash that names its bytes. Throws `mixnet.no_consensus`. */
  async consensus(wanted?: number): Promise<{ readonly bytes: Uint8Array; readonly digest: string }> {
    const epoch = wanted ?? (await this.directory.lastConsensusEpoch())
    const bytes = epoch === undefined ? undefined : await this.directory.findConsensus(epoch)
    if (epoch === undefined || !bytes) throw new MixnetError({ code: 'mixnet.no_consensus', epoch: wanted ?? 'any' })
    const digest = this.#digests.get(epoch) ?? toHex(sha256(bytes))
    this.#digests.delete(epoch)
    this.#digests.set(epoch, digest)
    if (this.#digests.size > 8) this.#digests.delete(this.#digests.keys().next().value!)
    return { bytes, digest }
  }

  /** Brings what is measured up to date. */
  async measure(): Promise<void> {
    this.entry?.measure()
    const epoch = await this.directory.lastConsensusEpoch()
    const signed = epoch === undefined ? undefined : await this.directory.readConsensus(epoch)
    if (signed) this.metrics.consensus(signed.consensus)
    const [flow] = await this.#platform.database.read.mixnet.sumReports(this.name, { limit: 1 })
    if (flow) this.metrics.flow(flow)
  }

  /** Lets go of what is older than the settings say. */
  async forgetOld(): Promise<void> {
    const before = this.epoch - Math.ceil(this.settings.keptMs / this.rules.schedule.epochMs)
    if (before < 1) return
    await this.directory.forgetConsensusesBefore(before)
    await this.#platform.database.transact((tx) => tx.mixnet.forgetReportsBefore(this.name, before))
  }

  /** Resolves when no message to another authority is under way. */
  async idle(): Promise<void> {
    await this.#courier?.idle()
  }

  async stop(): Promise<void> {
    await this.#courier?.stop()
  }

  async #consensusInForce(): Promise<Consensus | undefined> {
    const now = this.#platform.clock.now()
    const epoch = await this.directory.lastConsensusEpoch(this.epoch + 1)
    const signed = epoch === undefined ? undefined : await this.directory.readConsensus(epoch)
    return signed && now < signed.consensus.freshUntil ? signed.consensus : undefined
  }

  async #readMessages(): Promise<number> {
    const { database, log } = this.#platform
    const messages = await database.read.mixnet.listMessages(this.name, MESSAGES_AT_ONCE)
    for (const { bytes } of messages) {
      const outcome = await this.#authority.takeMessage(bytes)
      this.metrics.message('in', outcome.ok ? 'taken' : 'passed_over')
      if (outcome.ok) this.#courier?.send(outcome.send)
      else log.debug({ why: outcome.reason }, 'a message of another authority changed nothing')
    }
    const digests = messages.map(({ digest }) => digest)
    if (digests.length > 0) await database.transact((tx) => tx.mixnet.removeMessages(this.name, digests))
    return messages.length
  }

  /** Says more than others of the network need to know: it is for the operator of the node. */
  async #explain(outcome: Extract<DescriptorOutcome, { ok: false }>, bytes: Uint8Array): Promise<string> {
    if (outcome.reason !== 'not_admitted') return outcome.detail
    const { descriptor } = signedDescriptorForm.parse(bytes)
    return (await this.registry.whyNotAdmitted(descriptor)) ?? outcome.detail
  }
}
