import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '@fog/contract'
import type { Decision } from '@fog/idle'
import { deviceFacts, Sensors, thisMachine } from '@fog/idle/node'
import { assert, type AttemptId, isFogError, type NodeId, parseId } from '@fog/kernel'
import { systemClock, systemRng } from '@fog/kernel/node'
import type { Logger } from 'pino'
import { AttemptRunner } from './attempt-runner.ts'
import { Attempts } from './attempts.ts'
import { Channel, type ChannelHandlers, type Refused, type Welcome } from './channel.ts'
import type { Config } from './config.ts'
import { Delivery } from './delivery.ts'
import { WorkerError } from './errors.ts'
import { DEFAULT_POOL, ExecutorPool } from './executor/pool.ts'
import { Sandbox } from './executor/sandbox.ts'
import { HARVEST_EVERY_MS, Harvester, type HarvestState, patient } from './harvest.ts'
import { Identity } from './identity.ts'
import { DEFAULT_INPUTS, InputCache } from './inputs.ts'
import { NodeApi, NodeToken } from './node-api.ts'
import { type DeviceOffer, offerOf } from './offer.ts'
import { Outbox } from './outputs.ts'
import { openWay, type Way } from './reach.ts'
import { backoffMs } from './retry.ts'
import { Spool } from './spool.ts'

export interface WorkerDependencies {
  readonly config: Config
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Logger
  readonly agentVersion: string
  /** Called at every welcome of the control plane. */
  readonly connected: (nodeId: NodeId) => void
  /** Called once when this worker cannot go on; it should then be stopped. */
  readonly failed: (fault: Error) => void
}

/** Results that were finished while stopping get this long to be acknowledged. */
const LAST_ANSWERS_MS = 3_000
const ENROL_AGAIN = { firstMs: 500, mostMs: 30_000 }
/** How far behind their owner's programs tasks are, as `nice` counts. */
const NICE = { server: 0, desktop: 10, laptop: 10 } as const

/** A device that lends: wires the parts, starts them in order and stops them so that nothing is lost. */
export class Worker {
  readonly #dependencies: WorkerDependencies
  readonly #spool: Spool
  readonly #identity: Identity
  readonly #token = new NodeToken()
  readonly #offer: DeviceOffer
  readonly #outbox: Outbox
  /** Checkpoints on their way; none outlives this worker. */
  readonly #stateOutbox: Outbox
  readonly #abort = new AbortController()
  #parts: Parts | undefined
  #way: Way | undefined
  #decision: Decision | undefined
  #isStopping = false
  #hasEnrolledAgain = false

  private constructor(dependencies: WorkerDependencies, spool: Spool) {
    const { config, agentVersion } = dependencies
    this.#dependencies = dependencies
    this.#spool = spool
    this.#identity = Identity.open(config.folder, systemRng)
    this.#outbox = new Outbox(join(config.folder, 'outbox'))
    this.#stateOutbox = new Outbox(join(config.folder, 'state'))
    this.#offer = offerOf(config, deviceFacts(), agentVersion)
  }

  /** Takes the worker's folder. Throws `worker.folder_in_use` when another worker has it. */
  static async open(dependencies: WorkerDependencies): Promise<Worker> {
    const spool = await Spool.open(dependencies.config.folder)
    try {
      return new Worker(dependencies, spool)
    } catch (fault) {
      await spool.close()
      throw fault
    }
  }

  /** Enrols if need be, and starts to lend. Resolves before the channel is open; it opens when it can. */
  async start(): Promise<void> {
    // Said before anything is started for nothing.
    if (!this.#identity.nodeId) readJoinToken(this.#dependencies.config)
    this.#clearUp()
    const starting = this.#startPool()
    const enrolled = this.#openWay().then(() => this.#enrol())
    const [pool, enrolment] = await Promise.allSettled([starting, enrolled])
    if (pool.status === 'rejected') throw pool.reason
    if (enrolment.status === 'rejected' || this.#isStopping) {
      await pool.value.stop()
      if (enrolment.status === 'rejected') throw enrolment.reason
      return
    }
    this.#parts = this.#wire(pool.value)
    this.#parts.delivery.start()
    await this.#parts.harvester.start()
    this.#parts.channel.start()
  }

  /** Lets tasks end within the grace, gives back the others, hands over what is finished, and leaves no process behind. */
  async stop(hurry: AbortSignal): Promise<void> {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#abort.abort()
    if (this.#parts) await this.#stopParts(this.#parts, hurry)
    await this.#way?.stop()
    await this.#spool.close()
  }

  async #stopParts({ harvester, attempts, delivery, channel, pool }: Parts, hurry: AbortSignal): Promise<void> {
    const { log, config } = this.#dependencies
    const reasons = ['the worker is stopping']
    await harvester.stop()
    attempts.setGate({ maxTasks: 0, closedBecause: reasons[0]! })
    channel.send({ type: 'harvest', harvest: { mode: 'off', reasons, cpuShare: 0, maxTasks: 0 } })
    if (attempts.count > 0) log.info({ tasks: attempts.count, graceMs: config.stopGraceMs }, 'waiting for tasks to end')
    // What is paused cannot end; its owner is there, so nothing is waited for.
    const graceMs = this.#decision?.cpuShare === 0 ? 0 : config.stopGraceMs
    await within(graceMs, hurry, attempts.idle())
    await within(
      config.evictGraceMs + 1_000,
      hurry,
      attempts.returnAll(reasons[0]!, hurry.aborted ? 0 : config.evictGraceMs),
    )
    await this.#lastAnswers(channel, hurry)
    await pool.stop()
    delivery.stop()
    await channel.stop()
  }

  async #lastAnswers(channel: Channel, hurry: AbortSignal): Promise<void> {
    const endsAt = systemClock.now() + LAST_ANSWERS_MS
    while (channel.isOpen && this.#spool.unacknowledged().length > 0 && systemClock.now() < endsAt && !hurry.aborted) {
      await systemClock.sleep(20)
    }
  }

  /** What the last run left: unfinished tasks are the control plane's again, unfinished contents are nobody's. */
  #clearUp(): void {
    const { log } = this.#dependencies
    const { interrupted } = this.#spool
    for (const { attemptId } of interrupted) {
      this.#spool
        .drop(attemptId)
        .catch((fault: unknown) => log.error({ err: fault }, 'an old lease could not be dropped'))
    }
    const waiting = this.#spool.unacknowledged()
    this.#outbox.keepOnly(waiting)
    this.#stateOutbox.keepOnly([])
    if (interrupted.length > 0)
      log.warn({ tasks: interrupted.length }, 'the last run left tasks unfinished; they run again')
    if (waiting.length > 0) log.info({ results: waiting.length }, 'results of the last run wait to be delivered')
  }

  async #openWay(): Promise<void> {
    const { config, log } = this.#dependencies
    const way = await openWay({ config, clock: systemClock, rng: systemRng, log, signal: this.#abort.signal })
    if (this.#isStopping) return way.stop()
    this.#way = way
  }

  get #opened(): Way {
    assert(this.#way, 'the way to the control plane is open before it is used')
    return this.#way
  }

  async #startPool(): Promise<ExecutorPool> {
    const { config, log } = this.#dependencies
    const { folder, bubblewrap, policy, compileCacheFolder } = config
    const cacheFolder = join(compileCacheFolder ?? folder, 'executor')
    const sandbox = await Sandbox.probe({ cacheFolder, bubblewrap, nice: NICE[policy] })
    log.info({ ...sandbox.confinement }, 'how tasks are confined here')
    const pool = new ExecutorPool({ sandbox, log }, { ...DEFAULT_POOL, memoryBytes: this.#offer.room.memoryBytes })
    await pool.start()
    return pool
  }

  #wire(pool: ExecutorPool): Parts {
    const { config, log, env } = this.#dependencies
    const [clock, rng] = [systemClock, systemRng]
    const [spool, outbox, identity] = [this.#spool, this.#outbox, this.#identity]
    const api = new NodeApi({ url: this.#opened.url, token: this.#token })
    const cache = { ...DEFAULT_INPUTS, maxBytes: config.cacheBytes }
    const inputs = new InputCache({ folder: join(config.folder, 'cache'), api, clock, rng }, cache)
    const { url, channel: patience } = this.#opened
    const channel = new Channel({ url, clock, rng, log }, this.#channelHandlers(), patience)
    const delivery = new Delivery({ channel, spool, outbox, api, clock, rng, log })
    const nodeId = () => this.#nodeId()
    const mayUpload = () => this.#decision?.usesNetwork !== false
    const folder = this.#stateOutbox
    const checkpoints = { folder, api, channel, identity, nodeId, clock, rng, log, mayUpload }
    const runner = new AttemptRunner({
      pool,
      inputs,
      outbox,
      spool,
      identity,
      nodeId,
      channel,
      checkpoints,
      clock,
      log,
    })
    const changed = () => this.#applyShare()
    const attempts = new Attempts({ channel, runner, delivery, spool, log, changed }, this.#offer.room)
    const sensors = new Sensors({ clock, machine: patient(thisMachine(env), clock) }, { ownPid: process.pid })
    const harvester = new Harvester(
      {
        sensors,
        clock,
        log,
        taskCount: () => attempts.count,
        apply: (decision) => this.#apply(decision),
        changed: (harvest: HarvestState) => void channel.send({ type: 'harvest', harvest }),
      },
      { policy: this.#offer.policy, everyMs: HARVEST_EVERY_MS[config.policy] },
    )
    return { pool, channel, delivery, attempts, harvester }
  }

  #channelHandlers(): ChannelHandlers {
    const { config } = this.#dependencies
    const { device, room: capacity } = this.#offer
    return {
      hello: ({ nonce, gatewayId }) => {
        const nodeId = this.#nodeId()
        const signature = this.#identity.signChannel({ nonce, gatewayId, nodeId })
        const { attempts, harvester } = this.#wired()
        const labels = { ...config.labels }
        const harvest = harvester.state
        return { type: 'hello', nodeId, signature, device, capacity, labels, harvest, attempts: attempts.list() }
      },
      heartbeat: () => ({ type: 'heartbeat', attempts: this.#wired().attempts.list() }),
      welcomed: (welcome) => this.#welcomed(welcome),
      received: (message) => {
        const { attempts } = this.#wired()
        switch (message.type) {
          case 'leases':
            return attempts.take(message.leases)
          case 'cancel':
            return attempts.drop(ids(message.attempts))
          case 'ack':
            return attempts.settled(ids(message.attempts))
          case 'checkpointed':
            return attempts.checkpointed(message)
          case 'preempt':
            return attempts.preempt(message)
          case 'token':
            return this.#token.set(message.token)
        }
      },
      refused: (refused) => this.#refused(refused),
      closed: () => this.#token.set(undefined),
    }
  }

  #welcomed({ token, drop, heartbeatMs }: Welcome): void {
    const { attempts, delivery } = this.#wired()
    this.#dependencies.log.info({ nodeId: this.#nodeId(), heartbeatMs, dropped: drop.length }, 'connected')
    this.#token.set(token)
    attempts.drop(ids(drop))
    attempts.settled(ids(drop))
    delivery.deliverAll()
    this.#dependencies.connected(this.#nodeId())
  }

  #refused({ code, detail }: Refused): void {
    const { log, config, failed } = this.#dependencies
    log.error({ code, detail }, 'the control plane refused this worker')
    const todo = TODO[code]
    // What is not about this node may pass: the channel is opened again by and by.
    if (todo === undefined) return
    const canEnrol = code === 'node.not_found' && (config.joinToken ?? config.joinTokenFile) !== undefined
    if (!canEnrol || this.#hasEnrolledAgain)
      return failed(new WorkerError({ code: 'worker.refused', why: detail, todo }))
    this.#hasEnrolledAgain = true
    this.#enrolNow().catch(failed)
  }

  /** Puts a decision of the policy into effect. */
  #apply(decision: Decision): void {
    const { attempts, delivery } = this.#wired()
    const { mode, maxTasks, usesNetwork, evictNewest, reasons } = decision
    const why = reasons[0]?.text ?? mode
    this.#decision = decision
    const isOpen = (mode === 'run' || mode === 'throttle') && usesNetwork
    attempts.setGate({ maxTasks, closedBecause: isOpen ? undefined : why })
    delivery.setPaused(!usesNetwork)
    const { evictGraceMs } = this.#dependencies.config
    if (evictNewest) attempts.returnNewest(`this device needs its memory: ${why}`, evictGraceMs)
    if ((mode === 'evict' || mode === 'off') && attempts.count > 0)
      void attempts.returnAll(`this device is needed by its owner: ${why}`, evictGraceMs)
    this.#applyShare()
  }

  /** The share is of all cores: few tasks may run freely in it, many are held back. */
  #applyShare(): void {
    if (!this.#decision || !this.#parts) return
    const { attempts, pool } = this.#parts
    const allowedCores = this.#decision.cpuShare * this.#offer.device.cores
    pool.setShare(Math.round(100 * Math.min(1, allowedCores / Math.max(attempts.busyCores, 0.001))))
  }

  /** Enrols a device that is nobody's node yet; waits for a control plane that cannot be reached. */
  async #enrol(): Promise<void> {
    if (this.#identity.nodeId) return
    const { log } = this.#dependencies
    for (let tries = 1; ; tries++) {
      try {
        return await this.#enrolNow()
      } catch (fault) {
        if (isFogError(fault)) throw fault
        const inMs = backoffMs(tries, ENROL_AGAIN, systemRng)
        const why = fault instanceof Error ? fault.message : String(fault)
        log.warn({ why, inMs: Math.round(inMs) }, 'not enrolled yet; trying again')
        await systemClock.sleep(inMs, this.#abort.signal)
      }
    }
  }

  async #enrolNow(): Promise<void> {
    const { config, log } = this.#dependencies
    const { name, labels, url } = config
    const joinToken = readJoinToken(config)
    const nodeId = await this.#identity.enrol(new Client({ baseUrl: this.#opened.url }), {
      joinToken,
      name,
      labels: { ...labels },
    })
    log.info({ nodeId, url }, 'enrolled')
  }

  #nodeId(): NodeId {
    const { nodeId } = this.#identity
    assert(nodeId, 'a worker is enrolled before it connects')
    return nodeId
  }

  #wired(): Parts {
    assert(this.#parts, 'the parts are wired before anything happens')
    return this.#parts
  }
}

interface Parts {
  readonly pool: ExecutorPool
  readonly channel: Channel
  readonly delivery: Delivery
  readonly attempts: Attempts
  readonly harvester: Harvester
}

/** Refusals that trying again does not change, and what the person can do. */
const TODO: Readonly<Record<string, string>> = {
  'node.not_found': 'Enrol this device again: make a join token and start the worker with FOG_JOIN_TOKEN.',
  'node.retired': 'It was retired for good. To lend this device again, move its worker folder away and enrol it anew.',
  'node.signature_invalid': 'Its key is not the one it enrolled with: restore identity.json, or enrol it anew.',
}

function readJoinToken({ joinToken, joinTokenFile, url }: Config): string {
  if (joinToken !== undefined) return joinToken
  if (joinTokenFile === undefined) throw new WorkerError({ code: 'worker.join_token_missing', url })
  try {
    return readFileSync(joinTokenFile, 'utf8').trim()
  } catch (fault) {
    throw new WorkerError({ code: 'worker.join_token_unreadable', file: joinTokenFile }, { cause: fault })
  }
}

function ids(attempts: readonly string[]): AttemptId[] {
  return attempts.map((attemptId) => parseId('attempt', attemptId))
}

/** Waits for `work`, at most `ms` and not past the signal. */
async function within(ms: number, signal: AbortSignal, work: Promise<void>): Promise<void> {
  const rest = new AbortController()
  const pause = systemClock.sleep(ms, AbortSignal.any([signal, rest.signal])).catch(() => undefined)
  await Promise.race([work, pause])
  rest.abort()
}
