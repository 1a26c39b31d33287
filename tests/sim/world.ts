import { readFileSync } from 'node:fs'
import type { JobSubmission, LeaseMessage } from '@fog/contract'
import { enrolled } from '@fog/fog'
import {
  type AccountId,
  amount,
  type AttemptId,
  type GatewayId,
  isFogError,
  type JobId,
  ManualClock,
  newId,
  type NodeId,
  randomBelow,
  type Rng,
  seededRng,
  toHex,
  type UserId,
} from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import { isOver, TIERS } from '@fog/scheduler'
import { Ledger } from '@fog/tokenomics'
import { readConfig } from '../../apps/control-plane/src/config.ts'
import { MemoryBlobStore } from '../../apps/control-plane/src/blobs/index.ts'
import { MemoryPlatformDatabase } from '../../apps/control-plane/src/db/memory/memory-platform-database.ts'
import { hearWorkers, type Saying } from '../../apps/control-plane/src/flows/accept-result.ts'
import { cancelJob } from '../../apps/control-plane/src/flows/cancel-job.ts'
import { dispatchLeases, leasesAgain } from '../../apps/control-plane/src/flows/dispatch-job.ts'
import { expireLeases } from '../../apps/control-plane/src/flows/expire-leases.ts'
import { changeHarvest, connectNode, disconnectNode } from '../../apps/control-plane/src/flows/node-life.ts'
import { placeJobs, Round } from '../../apps/control-plane/src/flows/place-jobs.ts'
import { watchWaits } from '../../apps/control-plane/src/flows/note-incidents.ts'
import { payOwedCredits } from '../../apps/control-plane/src/flows/pay-credits.ts'
import { PreemptionGate, preemptTasks } from '../../apps/control-plane/src/flows/preempt-tasks.ts'
import { releaseState } from '../../apps/control-plane/src/flows/checkpoint-content.ts'
import { payByNode } from '../../apps/control-plane/src/flows/job-price.ts'
import { paidWork, settleJobs } from '../../apps/control-plane/src/flows/settle-job.ts'
import { submitJob } from '../../apps/control-plane/src/flows/submit-job.ts'
import { type Platform, SILENT_LOG } from '../../apps/control-plane/src/platform.ts'
import type { Database } from '../../apps/control-plane/src/ports.ts'
import { bringState, checkpointOf, stateCheckpoint } from './sim-checkpoints.ts'
import { InvariantBroken } from './invariant-broken.ts'
import { EMPTY, pick, refOf, SimNode } from './sim-node.ts'
import { Timeline } from './timeline.ts'

export interface WorldOptions {
  readonly seed: number
  readonly jobs: number
  readonly nodes: number
  /** Chance that a message is lost on its way. */
  readonly loss: number
  /** Chance that a message comes twice. */
  readonly repeat: number
  /** Longest time a message takes. */
  readonly delayMs: number
  /** Virtual time within which every job must be over. */
  readonly deadlineMs: number
  /** Chance, each virtual second and node, that it dies. */
  readonly death: number
}

export const WORLD_DEFAULTS: Omit<WorldOptions, 'seed'> = {
  jobs: 2000,
  nodes: 40,
  loss: 0.02,
  repeat: 0.05,
  delayMs: 400,
  death: 0.004,
  deadlineMs: 4 * 3_600_000,
}

export interface WorldFigures {
  readonly jobs: number
  readonly tasks: number
  readonly refused: number
  readonly messages: number
  readonly lost: number
  readonly repeated: number
  readonly deaths: number
  readonly crashes: number
  readonly cancelled: number
  /** Attempts that made room for better tiers, or were asked to. */
  readonly preempted: number
  /** Taken from running tasks. */
  readonly checkpoints: number
  /** Accepted results of tasks that went on from another attempt's checkpoint. */
  readonly resumed: number
  readonly virtualMs: number
  readonly audits: number
}

const GIB = 1024 ** 3

/**
 * The real flows of the control plane on memory stores, among simulated devices, a network that loses, delays and repeats
 * messages, devices that die and lie, and a control plane that forgets everything it holds in memory now and then.
 */
export class World {
  readonly #options: WorldOptions
  readonly #rng: Rng
  readonly #clock = new ManualClock()
  readonly #timeline = new Timeline(this.#clock)
  readonly #platform: Platform
  readonly #nodes: SimNode[] = []
  readonly #byId = new Map<NodeId, SimNode>()
  readonly #accounts: { userId: UserId; accountId: AccountId }[] = []
  readonly #jobIds: JobId[] = []
  /** Not yet settled. */
  readonly #open = new Set<JobId>()
  #program = ''
  #gatewayId: GatewayId
  #round = new Round()
  #gate = new PreemptionGate()
  /** What the gateway believes to be on each node: gone when it crashes. */
  #given = new Map<NodeId, Set<AttemptId>>()
  #submitted = 0
  readonly #count = {
    tasks: 0,
    refused: 0,
    messages: 0,
    lost: 0,
    repeated: 0,
    deaths: 0,
    crashes: 0,
    cancelled: 0,
    preempted: 0,
    checkpoints: 0,
    resumed: 0,
    audits: 0,
  }

  constructor(options: WorldOptions, database: Database = new MemoryPlatformDatabase()) {
    this.#options = options
    this.#rng = seededRng(options.seed)
    this.#platform = {
      database,
      blobs: new MemoryBlobStore(),
      clock: this.#clock,
      rng: this.#rng,
      config: readConfig({ FOG_LEASE_MS: '10000' }),
      log: SILENT_LOG,
    }
    this.#gatewayId = newId('gateway', this.#clock.now(), this.#rng)
  }

  /** Runs until every job is over and settled, auditing as it goes. Throws `InvariantBroken`. */
  async run(): Promise<WorldFigures> {
    const startedAt = this.#clock.now()
    await this.#settle()
    this.#schedule()
    let over = false
    this.#timeline.every(1000, async () => {
      over = this.#submitted >= this.#options.jobs && (await this.#isQuiet())
    })
    const deadline = startedAt + this.#options.deadlineMs
    await this.#timeline.run(() => over || this.#clock.now() > deadline)
    if (!over) throw this.#broken(`not every job came to an end in time: ${await this.#unfinished()}`)
    await this.#auditEnd()
    return { ...this.#count, jobs: this.#jobIds.length, virtualMs: this.#clock.now() - startedAt }
  }

  /** People, money, devices and the one program. */
  async #settle(): Promise<void> {
    const { database } = this.#platform
    const program = new Uint8Array(readFileSync(new URL('../../packages/idle/fixtures/noop.wasm', import.meta.url)))
    this.#program = toHex(sha256(program))
    const at = this.#clock.now()
    await database.transact(async (tx) => {
      const ledger = new Ledger({ store: tx.ledger, clock: this.#clock })
      await ledger.openSystemAccounts()
      await tx.blobs.addSmall([
        { digest: this.#program, content: program, at },
        { digest: EMPTY, content: new Uint8Array(), at },
      ])
      for (let i = 0; i < 8; i++) {
        const accountId = newId('account', at, this.#rng)
        const userId = newId('user', at, this.#rng)
        this.#accounts.push({ accountId, userId })
        await ledger.openAccount({ accountId, name: `person ${i}` })
        const transferId = newId('transfer', at, this.#rng)
        await ledger.mint({ accountId, amount: amount(10n ** 13n), transferId, reference: 'first grant' })
        await tx.blobs.grant([this.#program, EMPTY].map((digest) => ({ accountId, digest })))
      }
      for (let i = 0; i < this.#options.nodes; i++) {
        const { accountId: ownerId } = this.#accounts[i % this.#accounts.length]!
        const nature = { liar: i % 10 === 9, spool: i % 3 !== 0, latencyMs: i % 8 === 7 ? 60 : 4 }
        const node = new SimNode(newId('node', at, this.#rng), ownerId, nature, this.#rng)
        const facts = {
          nodeId: node.nodeId,
          ownerId,
          name: `device ${i}`,
          publicKey: toHex(node.keys.publicKey),
          labels: {},
          at,
        }
        await tx.nodes.add(enrolled(facts))
        this.#nodes.push(node)
        this.#byId.set(node.nodeId, node)
      }
    })
    for (const node of this.#nodes) await this.#connect(node)
  }

  #schedule(): void {
    const { rng } = { rng: this.#rng }
    const timeline = this.#timeline
    timeline.every(
      40,
      () => void (this.#submitted < this.#options.jobs && rng.next() < 0.5 && timeline.after(0, () => this.#submit())),
    )
    timeline.every(50, async () => {
      const { next } = await placeJobs(this.#platform, this.#round)
      if (next === 'idle') this.#count.preempted += (await preemptTasks(this.#platform, this.#round, this.#gate)).count
    })
    timeline.every(1000, async () => void (await watchWaits(this.#platform)))
    timeline.every(25, async () => this.#dispatch())
    timeline.every(100, async () => {
      await settleJobs(this.#platform)
      await payOwedCredits(this.#platform)
    })
    timeline.every(500, async () => void (await expireLeases(this.#platform)))
    timeline.every(30_000, async () => void (await releaseState(this.#platform)))
    timeline.every(1000, async () => this.#renew())
    timeline.every(1000, async () => this.#misfortune())
    timeline.every(5000, () => this.#nodes.filter(({ connected }) => connected).forEach((node) => this.#resend(node)))
    timeline.every(10_000, async () => this.#audit())
  }

  async #submit(): Promise<void> {
    this.#submitted += 1
    const rng = this.#rng
    const tasks = Array.from({ length: 1 + randomBelow(rng, 12) }, () => ({ item: String(randomBelow(rng, 1000)) }))
    const submission: JobSubmission = {
      name: `job ${this.#submitted}`,
      program: { kind: 'wasm', digest: this.#program },
      args: ['{item}'],
      tasks,
      tier: pick(TIERS, rng),
      verify: pick(['auto', 'none', { quorum: 2 }, { quorum: 3 }] as const, rng),
      routing: pick(['round_robin', 'least_loaded', 'affinity_based'] as const, rng),
      resources: { cores: pick([0.5, 1, 2], rng), memoryMiB: pick([64, 256], rng), wallSeconds: 10 },
      retries: 10,
    }
    try {
      const job = await submitJob(this.#platform, pick(this.#accounts, rng), submission)
      this.#jobIds.push(job.jobId)
      this.#open.add(job.jobId)
      this.#count.tasks += tasks.length
      if (rng.next() < 0.05) this.#timeline.after(randomBelow(rng, 5000), () => this.#cancel(job.jobId))
    } catch (fault) {
      // Platinum and gold are let in only where they can be kept; a refusal is an answer.
      if (!isFogError(fault)) throw fault
      this.#count.refused += 1
    }
  }

  async #cancel(jobId: JobId): Promise<void> {
    try {
      await cancelJob(this.#platform, jobId)
      this.#count.cancelled += 1
    } catch (fault) {
      if (!isFogError(fault) || fault.code !== 'job.over') throw fault
    }
  }

  async #dispatch(): Promise<void> {
    const ready = this.#nodes.filter(({ connected }) => connected).map(({ nodeId }) => nodeId)
    await dispatchLeases(this.#platform, this.#gatewayId, ready, (nodeId, leases) => this.#give(nodeId, leases))
  }

  #give(nodeId: NodeId, leases: readonly LeaseMessage[]): void {
    const node = this.#byId.get(nodeId)!
    const given = this.#given.get(nodeId) ?? new Set()
    this.#given.set(nodeId, given)
    for (const lease of leases) {
      given.add(lease.attemptId as AttemptId)
      this.#carry(node, () => this.#take(node, lease))
    }
  }

  /** A device got a lease: it begins, works for a while and reports. A lease it has already changes nothing. */
  #take(node: SimNode, lease: LeaseMessage): void {
    if (node.running.has(lease.attemptId) || node.spool.has(lease.attemptId)) return
    node.running.set(lease.attemptId, lease)
    const { attemptId, fence } = refOf(lease)
    this.#say(node, { type: 'started', nodeId: node.nodeId, attemptId, fence })
    const { life } = node
    for (let sequence = 1; sequence <= randomBelow(this.#rng, 4); sequence++) {
      this.#timeline.after(randomBelow(this.#rng, 3000), () => {
        if (node.life === life && node.running.has(lease.attemptId)) this.#checkpoint(node, lease, sequence)
      })
    }
    this.#timeline.after(randomBelow(this.#rng, 3000), () => {
      if (node.life !== life || !node.running.has(lease.attemptId)) return
      if (this.#rng.next() < 0.02) {
        node.running.delete(lease.attemptId)
        return this.#say(node, {
          type: 'returned',
          nodeId: node.nodeId,
          attemptId,
          fence,
          reason: 'its owner came back',
        })
      }
      this.#say(node, node.finish(lease, this.#rng))
    })
  }

  /** Content and word of it travel apart, and either may be lost. */
  #checkpoint(node: SimNode, lease: LeaseMessage, sequence: number): void {
    const made = checkpointOf(node, lease, sequence, this.#rng)
    this.#carry(node, () => bringState(this.#platform, made))
    this.#carry(node, async () => {
      const kind = await stateCheckpoint(this.#platform, made)
      if (kind === 'forged') throw this.#broken(`an honest checkpoint of ${node.nodeId} was taken for forged`)
      if (kind === 'taken') this.#count.checkpoints += 1
    })
  }

  /** A device says something; the answer comes back to it, unless either is lost. */
  #say(node: SimNode, saying: Saying): void {
    this.#carry(node, async () => {
      const [heard] = await hearWorkers(this.#platform, [saying])
      if (heard === 'forged') throw this.#broken(`an honest message of ${node.nodeId} was taken for forged`)
      if (saying.type === 'started') return
      this.#given.get(node.nodeId)?.delete(saying.attemptId)
      this.#carry(node, () => void node.spool.delete(saying.attemptId))
    })
  }

  #resend(node: SimNode): void {
    for (const saying of node.spool.values()) this.#say(node, saying)
  }

  /** One message over a bad network: it may be lost, late, or come twice, and not at all once the device died. */
  #carry(node: SimNode, deliver: () => Promise<void> | void): void {
    const { loss, repeat, delayMs } = this.#options
    this.#count.messages += 1
    if (this.#rng.next() < loss) {
      this.#count.lost += 1
      return
    }
    const { life } = node
    const arrive = () => (node.life === life ? deliver() : undefined)
    this.#timeline.after(randomBelow(this.#rng, delayMs), arrive)
    if (this.#rng.next() >= repeat) return
    this.#count.repeated += 1
    // Much later too: long after the lease it speaks of has ended.
    this.#timeline.after(randomBelow(this.#rng, delayMs * 50), arrive)
  }

  async #renew(): Promise<void> {
    const { database } = this.#platform
    for (const node of this.#nodes) {
      if (!node.connected) continue
      const ids = [...(this.#given.get(node.nodeId) ?? [])].filter((id) => node.holds.includes(id))
      if (ids.length === 0) continue
      const heard = ids.map((attemptId) => ({ attemptId, at: this.#clock.now() }))
      const live = new Set(await database.transact((tx) => tx.jobs.renewLeases(heard, 10_000)))
      for (const id of ids) if (!live.has(id)) this.#carry(node, () => void node.running.delete(id))
    }
  }

  /** Devices die and come back, lenders return, and now and then the control plane loses its memory. */
  async #misfortune(): Promise<void> {
    for (const node of this.#nodes) {
      if (node.connected && this.#rng.next() < this.#options.death) {
        this.#count.deaths += 1
        node.die()
        await disconnectNode(this.#platform, node.nodeId, this.#gatewayId)
        this.#timeline.after(randomBelow(this.#rng, 60_000), () => this.#connect(node))
      } else if (node.connected && this.#rng.next() < 0.002) {
        await changeHarvest(this.#platform, node.nodeId, {
          mode: 'suspend',
          reasons: ['its owner types'],
          cpuShare: 0,
          maxTasks: 0,
        })
        this.#timeline.after(20_000, () => changeHarvest(this.#platform, node.nodeId, RUNS))
      }
    }
    if (this.#rng.next() < 0.005) await this.#crash()
  }

  /** The control plane dies and another takes over: all it had in memory is gone, and every device says hello anew. */
  async #crash(): Promise<void> {
    this.#count.crashes += 1
    this.#given = new Map()
    this.#round = new Round()
    this.#gate = new PreemptionGate()
    this.#gatewayId = newId('gateway', this.#clock.now(), this.#rng)
    for (const node of this.#nodes) {
      if (!node.connected) continue
      node.connected = false
      this.#timeline.after(randomBelow(this.#rng, 3000), () => this.#connect(node))
    }
  }

  async #connect(node: SimNode): Promise<void> {
    if (node.connected) return
    node.connected = true
    const facts = {
      gatewayId: this.#gatewayId,
      reach: 'direct' as const,
      device: { os: 'linux', arch: 'x64', cores: 4, memoryBytes: 4 * GIB, kinds: ['wasm'], agentVersion: 'sim' },
      capacity: { cpuMilli: 4000, memoryBytes: 4 * GIB, diskBytes: 100 * GIB },
      labels: {},
      harvest: RUNS,
      at: this.#clock.now(),
    }
    const holds = node.holds as AttemptId[]
    const { resend, drop } = await connectNode(this.#platform, node.nodeId, facts, holds)
    const seen = { nodeId: node.nodeId, at: facts.at, latencyMs: node.latencyMs }
    await this.#platform.database.transact((tx) => tx.nodes.touch([seen]))
    for (const attemptId of drop) {
      node.running.delete(attemptId)
      node.spool.delete(attemptId)
    }
    this.#given.set(node.nodeId, new Set(node.holds as AttemptId[]))
    this.#give(node.nodeId, await leasesAgain(this.#platform, resend))
    this.#resend(node)
  }

  async #isQuiet(): Promise<boolean> {
    for (const jobId of this.#open) {
      const job = await this.#platform.database.read.jobs.findJob(jobId)
      if (job && isOver(job) && job.settled) this.#open.delete(jobId)
    }
    return this.#open.size === 0
  }

  async #unfinished(): Promise<string> {
    const { jobs } = this.#platform.database.read
    const found: string[] = []
    for (const jobId of this.#jobIds) {
      for (const task of await jobs.listTasks({ jobId, limit: 100 })) {
        if (task.status !== 'queued' && task.status !== 'running') continue
        const attempts = (await jobs.findTask(task.taskId))?.attempts ?? []
        const told = attempts.map(({ nodeId, status, note }) => `${nodeId} ${status} ${note ?? ''}`).join(', ')
        found.push(`${task.taskId} is ${task.status}, wants ${task.pending}, had ${told}`)
      }
    }
    return found.slice(0, 10).join('; ')
  }

  /** The rules that hold at every moment. */
  async #audit(): Promise<void> {
    this.#count.audits += 1
    const { read } = this.#platform.database
    const ledger = await new Ledger({ store: read.ledger, clock: this.#clock }).audit()
    const reservations = await read.nodes.auditReservations()
    const faults = [
      ...(await read.jobs.auditJobs()),
      ...ledger.broken.map(String),
      ...reservations.map(({ nodeId }) => `${nodeId}: its reservations do not sum to what it says`),
    ]
    for (const { nodeId, reserved, capacity } of await read.nodes.list({ limit: 1000 })) {
      const fits = reserved.cpuMilli <= capacity.cpuMilli && reserved.memoryBytes <= capacity.memoryBytes
      if (!fits) faults.push(`${nodeId}: more reserved than it has`)
    }
    if (faults.length > 0) throw this.#broken(faults.join('; '))
  }

  /** At the end nothing is held, reserved or owed, and every done task has one accepted result that is paid. */
  async #auditEnd(): Promise<void> {
    await this.#audit()
    const { read } = this.#platform.database
    const { sums } = await new Ledger({ store: read.ledger, clock: this.#clock }).audit()
    if (sums.holdsOpen !== 0 || sums.escrowBalance !== 0n) throw this.#broken('money is still on hold')
    for (const { nodeId, reservations } of await read.nodes.list({ limit: 1000 })) {
      if (reservations !== 0) throw this.#broken(`${nodeId} still has reservations`)
    }
    for (const jobId of this.#jobIds) {
      const job = (await read.jobs.findJob(jobId))!
      const hold = await read.ledger.findHold(job.holdId)
      if (hold?.spent !== job.cost) throw this.#broken(`${jobId} cost ${job.cost} and its hold paid ${hold?.spent}`)
      const work = await paidWork(read, jobId)
      const pay = payByNode(job, work, this.#platform.config.prices.feeBasisPoints)
      const sum = pay.reduce((all, { price }) => all + price, 0n)
      if (sum !== job.cost) throw this.#broken(`${jobId} cost ${job.cost} and its receipt adds up to ${sum}`)
      this.#count.resumed += new Set(work.filter(({ kind }) => kind === 'checkpoint').map(({ taskId }) => taskId)).size
      const tasks = await read.jobs.listTasks({ jobId, limit: 1000 })
      const open = tasks.find(({ status }) => status === 'queued' || status === 'running')
      if (open) throw this.#broken(`${open.taskId} is not over`)
      const left = await read.checkpoints.newest(tasks.map(({ taskId }) => taskId))
      if (left.size > 0) throw this.#broken(`${jobId} is over and its checkpoints are still kept`)
    }
  }

  #broken(what: string): InvariantBroken {
    return new InvariantBroken(`seed ${this.#options.seed}, ${this.#clock.now()}: ${what}`)
  }
}

const RUNS = { mode: 'run', reasons: [], cpuShare: 100, maxTasks: 100 } as const
