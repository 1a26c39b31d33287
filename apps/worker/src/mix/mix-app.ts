import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { MixnetView } from '@fog/contract'
import type { DirectoryRules } from '@fog/betanet/directory'
import { type MixEvent, type MixKeys, MixNode } from '@fog/betanet/node'
import { type Clock, type Instant, type NoiseSuite, type Rng, toHex } from '@fog/kernel'
import type { Logger } from 'pino'
import { writeFileAtomically } from '../files.ts'
import { AdminServer } from './admin-server.ts'
import { admitted } from './admission.ts'
import type { MixConfig } from './config.ts'
import { EpochReports, type ReportEvent } from './epoch-reports.ts'
import { lockFolder } from './folder-lock.ts'
import { HttpDirectory } from './http-directory.ts'
import { KeptDocuments } from './kept-documents.ts'
import { openMixKeys } from './keys.ts'
import { MixError, whyOf } from './mix-error.ts'
import { fingerprintOf, type PinEvent, pinnedRules } from './network-pin.ts'
import { type MixStatusView, timesOf } from './status-view.ts'
import { tellPin } from './tell-pin.ts'

const MOST_REQUEST_MS = 10_000
const SHORTEST_REQUEST_MS = 1_000
/** Looked after this often in an epoch, but once a second at least. */
const ROUNDS_AN_EPOCH = 20

export interface MixAppNeeds {
  readonly config: MixConfig
  readonly clock: Clock
  readonly rng: Rng
  readonly noise: NoiseSuite
  readonly log: Logger
  /** The node cannot go on. */
  readonly failed: (fault: unknown) => void
}

/** A mix node as a program: its folder, its network, its admission, its node, and what its operator is told. */
export class MixApp {
  readonly #needs: MixAppNeeds
  readonly #stopping = new AbortController()
  readonly #startedAt: Instant
  readonly #lock: { release(): void }
  #node: MixNode | undefined
  #admin: AdminServer | undefined
  #running: Promise<void> | undefined
  #adminFile: string | undefined
  #facts: FoundNetwork | undefined
  #isDraining = false
  #published: number | undefined
  #reported: number | undefined
  #trouble: string | undefined
  /** Kinds of trouble that were told since all was well: several at once would otherwise be told in turns for ever. */
  readonly #told = new Set<string>()

  /** Takes the folder. Throws `mix.folder_in_use` or `mix.folder_unusable`. */
  constructor(needs: MixAppNeeds) {
    this.#needs = needs
    this.#startedAt = needs.clock.now()
    this.#lock = lockFolder(needs.config.folder)
  }

  /** Pins the network, is admitted, listens and takes part. Answers where its status is told. */
  async start(): Promise<{
    readonly nodeId: string
    readonly ports: readonly number[]
    readonly admin: string | undefined
  }> {
    const { config, clock, rng, log } = this.#needs
    const { signal } = this.#stopping
    const keys = openMixKeys(config.folder, rng)
    const network = await this.#findNetwork(keys)
    signal.throwIfAborted()
    const node = this.#makeNode(keys, network)
    this.#node = node
    await node.start().catch((fault: unknown) => {
      const address = `${config.host}:${config.ports.join(', ')}`
      throw new MixError({ code: 'mix.not_listening', address, why: whyOf(fault) }, { cause: fault })
    })
    this.#admin = new AdminServer(config.admin, () => this.status())
    const admin = await this.#admin.start()
    this.#adminFile = join(config.folder, 'admin.json')
    writeFileAtomically(this.#adminFile, `${JSON.stringify({ admin, pid: process.pid })}\n`, 0o600)
    const started = { nodeId: toHex(node.nodeId), ports: node.ports, admin }
    log.info({ ...started, role: config.role, operator: network.operator }, 'the mix node is listening')
    const reports = new EpochReports(
      {
        node,
        identity: keys.identity,
        clock,
        send: (bytes) => network.directory.report(bytes),
        tell: (event) => this.#heardReport(event),
      },
      network.rules,
    )
    this.#running = this.#lookAfter(node, reports, network.rules)
    return started
  }

  /** Leaves in good order within the time the settings give, or at once when `hurry` asks for it. */
  async stop(hurry: AbortSignal): Promise<void> {
    this.#stopping.abort(new Error('the mix node stops'))
    this.#isDraining = true
    await this.#running
    const node = this.#node
    if (node) {
      const { drainMs } = this.#needs.config
      const atOnce = new Promise<void>((resolve) => hurry.addEventListener('abort', () => resolve(), { once: true }))
      const drained = hurry.aborted || drainMs === 0 ? node.stop() : node.drain(drainMs)
      await Promise.race([drained.catch(() => undefined), atOnce.then(() => node.stop())])
    }
    await this.#admin?.stop()
    if (this.#adminFile !== undefined) rmSync(this.#adminFile, { force: true })
    this.#lock.release()
  }

  status(): MixStatusView {
    const node = this.#node!
    const { config } = this.#needs
    const { rules, operator } = this.#facts!
    const { figures, ...status } = node.status()
    const { user, system } = process.cpuUsage()
    return {
      ...status,
      operator,
      state: this.#isDraining ? 'draining' : 'running',
      startedAt: this.#startedAt,
      network: { name: toHex(rules.network), fingerprint: fingerprintOf(rules), urls: config.urls },
      counts: figures.counts,
      drops: figures.drops,
      times: timesOf({ figures, ...status }),
      cpuSeconds: (user + system) / 1e6,
      memoryBytes: process.memoryUsage.rss(),
      clockAheadMs: this.#facts!.directory.clockAheadMs,
      published: this.#published,
      reported: this.#reported,
      trouble: this.#trouble,
    }
  }

  async #findNetwork(keys: MixKeys): Promise<FoundNetwork> {
    const { config, clock, rng, log } = this.#needs
    const { signal } = this.#stopping
    const first = new HttpDirectory({ clock, rng }, { urls: config.urls, timeoutMs: MOST_REQUEST_MS, signal })
    let admission: MixnetView['admission'] | undefined
    const watched = {
      address: first.address,
      rules: async () => {
        const view = await first.rules()
        admission = view.admission
        return view
      },
    }
    const tell = (event: PinEvent) => tellPin(log, event)
    const rules = await pinnedRules(config.folder, config.network, { directory: watched, clock, rng, signal, tell })
    // In a network of short epochs a request must not take longer than what it is for.
    const timeoutMs = Math.max(SHORTEST_REQUEST_MS, Math.min(MOST_REQUEST_MS, rules.schedule.epochMs / 4))
    const directory = new HttpDirectory({ clock, rng }, { urls: config.urls, timeoutMs, signal })
    const operator = await admitted(config, rules.network, admission, { directory, keys, clock, rng, signal })
    this.#facts = { rules, directory, operator }
    return this.#facts
  }

  #makeNode(keys: MixKeys, { rules, directory, operator }: FoundNetwork): MixNode {
    const { config, clock, rng, noise } = this.#needs
    const { role, host, advertisedHost, ports, datagrams, packetsPerSecond, folder } = config
    const { network, authorities, threshold, schedule } = rules
    return new MixNode(
      { keys, directory, noise, clock, rng, log: (event) => this.#heard(event) },
      {
        role,
        operator,
        host,
        advertisedHost,
        ports,
        suite: 'betanetKemX25519',
        datagrams,
        packetsPerSecond,
        trust: { network, authorities, threshold },
        schedule,
        documents: new KeptDocuments(folder).read(),
      },
    )
  }

  async #lookAfter(node: MixNode, reports: EpochReports, { schedule }: DirectoryRules): Promise<void> {
    const { clock, log, config } = this.#needs
    const { signal } = this.#stopping
    const documents = new KeptDocuments(config.folder)
    const roundMs = Math.min(1_000, schedule.epochMs / ROUNDS_AN_EPOCH)
    while (!signal.aborted) {
      try {
        documents.write(node.documents())
        await reports.tick()
      } catch (fault) {
        // A full disk must not end a node that serves: it is said, and tried again.
        log.error({ err: fault }, 'what the node keeps could not be written')
      }
      await clock.sleep(roundMs, signal).catch(() => undefined)
    }
  }

  /** Says each thing once for as long as it does not change. Links are told by what went wrong, never by who is at their end. */
  #heard(event: MixEvent): void {
    const { log, failed } = this.#needs
    switch (event.type) {
      case 'descriptor.published':
        this.#published = event.epoch
        this.#trouble = undefined
        this.#told.clear()
        return log.info({ epoch: event.epoch }, 'the directory has the descriptor')
      case 'descriptor.refused':
        return this.#troubled(`The descriptor is not at the directory: ${event.why}`)
      case 'consensus.taken':
        return log.info({ epoch: event.epoch, place: event.place, nodes: event.nodes }, 'a new consensus')
      case 'consensus.refused':
        return this.#troubled(`A consensus was refused as ${event.reason}: ${event.detail}`)
      case 'directory.unreachable':
        return this.#troubled(`The directory cannot be asked: ${event.why}`)
      case 'network.late':
      case 'network.stopped':
        return log.warn({ epoch: event.epoch, why: event.why }, 'no new consensus')
      case 'network.recovered':
        return log.info({ epoch: event.epoch }, 'there are consensuses again')
      case 'clock.off':
        return log.warn({ aheadMs: event.aheadMs, mostMs: event.mostMs }, "this machine's clock is not the directory's")
      case 'link.closed':
        return log.debug({ why: event.why }, 'a link closed')
      case 'node.failed':
        return failed(new MixError({ code: 'mix.node_failed', why: event.why }))
    }
  }

  #heardReport(event: ReportEvent): void {
    if (event.type === 'reported') {
      this.#reported = event.epoch
      return this.#needs.log.info({ epoch: event.epoch }, 'told the directory what was counted')
    }
    this.#troubled(`The report of epoch ${event.epoch} was not taken: ${event.why}`)
  }

  #troubled(why: string): void {
    if (this.#stopping.signal.aborted) return
    const kind = kindOf(why)
    if (!this.#told.has(kind)) this.#needs.log.warn({ why }, 'the node cannot take part as it should')
    this.#told.add(kind)
    this.#trouble = why
  }
}

interface FoundNetwork {
  readonly rules: DirectoryRules
  readonly directory: HttpDirectory
  readonly operator: string
}

/** A trouble without its numbers: the same one again, a moment or an epoch later, is not said again. */
function kindOf(why: string): string {
  return why.replaceAll(/\d+/g, '#')
}
