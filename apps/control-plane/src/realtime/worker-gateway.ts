import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { channelMessage, type LeaseMessage, MAX_CHANNEL_MESSAGE_BYTES, type WorkerMessage } from '@fog/contract'
import { HealthMonitor, heartbeatIntervalMs, NodeError } from '@fog/fog'
import {
  type AttemptId,
  fromHex,
  type GatewayId,
  type Instant,
  isFogError,
  type NodeId,
  parseId,
  toHex,
} from '@fog/kernel'
import { verify } from '@fog/kernel/node'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Heard, hearWorkers, type Saying } from '../flows/accept-result.ts'
import { dispatchLeases, leasesAgain } from '../flows/dispatch-job.ts'
import { changeHarvest, changeHealth, connectNode, disconnectNode } from '../flows/node-life.ts'
import { type CheckpointAnswer, type CheckpointSaying, hearCheckpoints } from '../flows/take-checkpoint.ts'
import { TaskLog } from '../flows/task-log.ts'
import { reachOf } from '../http/reach.ts'
import { Batcher } from '../loops/batcher.ts'
import type { Platform } from '../platform.ts'
import { leaseBatches } from './lease-batches.ts'
import { CLOSE, type ChannelOrigin, WorkerChannel } from './worker-channel.ts'
import { YieldRequests } from './yield-requests.ts'

/** A worker that opens a channel proves its key within this time. */
const HELLO_MS = 10_000
/** Through the mixnet, where a message may be sent again before it is heard. */
const MIXED_HELLO_MS = 60_000
/** Results and starts that may wait for the database; a worker beyond is told to come back. */
const MAX_WAITING = 20_000
const MAX_BATCH = 512
/** So many that were asked to make room are looked at together; the rest in a moment. */
const MOST_YIELDING = 1000
/** A node's token is renewed when it has less than this left. */
const TOKEN_MARGIN_MS = 5 * 60_000

export interface GatewayMetrics {
  /** A message that its sender cannot have been allowed to send: `malformed`, `forged`, `out_of_order`. */
  refusedWorkerMessage(why: string): void
  workerChannels(open: number): void
}

export interface NodeToken {
  readonly token: string
  readonly expiresAt: Instant
}

export interface WorkerGatewayDependencies {
  readonly platform: Platform
  readonly gatewayId: GatewayId
  /** A bearer token for the node's HTTP routes. */
  readonly mintNodeToken: (nodeId: NodeId) => Promise<NodeToken>
  readonly metrics: GatewayMetrics
}

/**
 * Holds the channels of workers: lets them in by their keys, sends them leases, hears what they say, renews the leases of
 * those that live and notices those that do not. Whatever it forgets when it dies, the database and the workers know.
 */
export class WorkerGateway {
  readonly gatewayId: GatewayId
  readonly #platform: Platform
  readonly #mintNodeToken: (nodeId: NodeId) => Promise<NodeToken>
  readonly #metrics: GatewayMetrics
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_CHANNEL_MESSAGE_BYTES })
  readonly #channels = new Map<NodeId, WorkerChannel>()
  readonly #health = new HealthMonitor()
  readonly #heard: Batcher<Saying, Heard>
  readonly #checkpoints: Batcher<CheckpointSaying, CheckpointAnswer>
  readonly #log: TaskLog
  readonly #yields = new YieldRequests()
  #strangers = 0
  #stopping = false

  constructor({ platform, gatewayId, mintNodeToken, metrics }: WorkerGatewayDependencies) {
    this.#platform = platform
    this.gatewayId = gatewayId
    this.#mintNodeToken = mintNodeToken
    this.#metrics = metrics
    const options = { gatherMs: platform.config.timing.groupCommitMs, maxBatch: MAX_BATCH, maxWaiting: MAX_WAITING }
    this.#heard = new Batcher(platform, options, (sayings) => hearWorkers(platform, sayings))
    this.#checkpoints = new Batcher(platform, options, (sayings) => hearCheckpoints(platform, sayings))
    this.#log = new TaskLog(platform)
  }

  get size(): number {
    return this.#channels.size
  }

  /** Takes over a WebSocket upgrade on the workers' path. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, address: string): void {
    const { maxWorkers } = this.#platform.config.limits
    if (this.#stopping || this.#channels.size + this.#strangers >= maxWorkers) {
      socket.end('HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n\r\n')
      return
    }
    this.#strangers += 1
    this.#sockets.handleUpgrade(request, socket, head, (opened) =>
      this.#challenge(opened, { address, reach: reachOf(socket) }),
    )
  }

  /** Sends what was placed on this gateway's nodes. */
  dispatch(): Promise<'more' | 'idle'> {
    const ready = [...this.#channels].filter(([, channel]) => channel.isReady).map(([nodeId]) => nodeId)
    const send = (nodeId: NodeId, leases: readonly LeaseMessage[]) => {
      const channel = this.#channels.get(nodeId)
      for (const { attemptId } of leases) channel?.attempts.add(parseId('attempt', attemptId))
      for (const some of leaseBatches(leases)) channel?.send({ type: 'leases', leases: some })
    }
    const reachOf = (nodeId: NodeId) => this.#channels.get(nodeId)?.reach ?? 'direct'
    return dispatchLeases(this.#platform, this.gatewayId, ready, send, reachOf)
  }

  /** Pushes the leases of living nodes on, stops what is no longer wanted, and asks for room where a better tier needs it. */
  async renew(): Promise<void> {
    const { database, clock, config } = this.#platform
    const held = [...this.#channels.values()].flatMap((channel) =>
      [...channel.attempts].map((attemptId) => ({ channel, attemptId })),
    )
    if (held.length === 0) return
    // A lease lives from when its node was heard of last: one that fell silent is not renewed for as long as it looks connected.
    const heard = held.map(({ attemptId, channel }) => ({ attemptId, at: Math.min(clock.now(), channel.heardAt) }))
    const live = new Set(await database.transact((tx) => tx.jobs.renewLeases(heard, config.timing.leaseMs)))
    for (const [channel, unwanted] of Map.groupBy(
      held.filter(({ attemptId }) => !live.has(attemptId)),
      (each) => each.channel,
    )) {
      const attempts = unwanted.map(({ attemptId }) => attemptId)
      channel.send({ type: 'cancel', attempts })
      for (const attemptId of attempts) channel.attempts.delete(attemptId)
    }
    const yielding = await database.read.jobs.tiers.listYielding(MOST_YIELDING)
    this.#yields.ask(yielding, this.#channels, clock.now())
  }

  /** Looks at the heartbeats; `lagMs` is how late this process itself runs. */
  async checkHealth(lagMs: number): Promise<void> {
    const { clock, database } = this.#platform
    for (const { nodeId, to, reason } of this.#health.check(clock.now(), lagMs)) {
      await changeHealth(this.#platform, nodeId, to, { reason, gatewayId: this.gatewayId })
      // A silent node's leases are no longer renewed; when it speaks again it says hello anew.
      if (to === 'unreachable') this.#channels.get(nodeId)?.terminate()
      if (to === 'lost') this.#health.forget(nodeId)
    }
    const at = clock.now()
    const seen = [...this.#channels].map(([nodeId, channel]) => ({
      nodeId,
      at: Math.min(at, channel.heardAt),
      latencyMs: channel.latencyMs,
    }))
    if (seen.length > 0) await database.transact((tx) => tx.nodes.touch(seen))
    for (const [nodeId, channel] of this.#channels) {
      channel.ping()
      if (channel.tokenExpiresAt - at < TOKEN_MARGIN_MS) await this.#renewToken(nodeId, channel)
    }
  }

  async #renewToken(nodeId: NodeId, channel: WorkerChannel): Promise<void> {
    const { token, expiresAt } = await this.#mintNodeToken(nodeId)
    channel.tokenExpiresAt = expiresAt
    channel.send({ type: 'token', token })
  }

  /** Has every node say hello again, which tells anew that it is here and what it works on. */
  greetAnew(): void {
    for (const channel of this.#channels.values()) {
      channel.close(CLOSE.overloaded, 'this gateway was taken for lost; say hello again')
    }
  }

  /** Closes every channel; what was heard before is taken in first. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (const channel of this.#channels.values()) channel.close(CLOSE.stopping, 'the control plane stops')
    await Promise.all([this.#heard.drain(), this.#checkpoints.drain()])
    await this.#log.flush()
    for (const nodeId of this.#channels.keys()) await this.#forget(nodeId)
    this.#sockets.close()
  }

  /** Asks a newcomer to prove its key. Until it has, `hello` is all it may say, once and in time. */
  #challenge(socket: WebSocket, from: ChannelOrigin): void {
    const nonce = toHex(this.#platform.rng.bytes(32))
    let isStranger = true
    let greeted = false
    const stopCounting = () => {
      if (isStranger) this.#strangers -= 1
      isStranger = false
    }
    const channel = new WorkerChannel(socket, from, this.#platform.clock, {
      message: (from, message) => {
        if (from.nodeId !== undefined) return this.#receive(from, from.nodeId, message)
        if (message.type !== 'hello' || greeted) return this.#refuse(from, 'out_of_order', 'say hello first, once')
        greeted = true
        this.#welcome(from, nonce, message).then(stopCounting, (fault: unknown) => this.#refuseFault(from, fault))
      },
      malformed: (from) => this.#refuse(from, 'malformed', 'the message is not one this channel knows'),
      closed: (from) => {
        stopCounting()
        if (from.nodeId !== undefined && this.#channels.get(from.nodeId) === from) void this.#lose(from.nodeId)
      },
    })
    channel.send({ type: 'challenge', nonce, gatewayId: this.gatewayId })
    const helloMs = from.reach === 'mixnet' ? MIXED_HELLO_MS : HELLO_MS
    void this.#platform.clock.sleep(helloMs).then(() => {
      if (channel.nodeId === undefined) channel.close(CLOSE.silent, 'no hello in time')
    })
  }

  async #welcome(channel: WorkerChannel, nonce: string, hello: WorkerMessage & { type: 'hello' }): Promise<void> {
    const { clock, config, database } = this.#platform
    const nodeId = parseId('node', hello.nodeId)
    const node = await database.read.nodes.find(nodeId)
    if (!node) throw new NodeError({ code: 'node.not_found', nodeId })
    if (node.duty === 'retired') throw new NodeError({ code: 'node.retired', nodeId })
    const signed = channelMessage({ nonce, nodeId, gatewayId: this.gatewayId })
    const key = fromHex(node.publicKey)
    if (!key || !verify(signed, fromHex(hello.signature) ?? new Uint8Array(), key)) {
      throw new NodeError({ code: 'node.signature_invalid' })
    }
    const holds = hello.attempts.map((attemptId) => parseId('attempt', attemptId))
    const { device, capacity, labels, harvest } = hello
    const { gatewayId } = this
    const facts = { gatewayId, reach: channel.reach, device, capacity, labels, harvest, at: clock.now() }
    const { resend, drop } = await connectNode(this.#platform, nodeId, facts, holds)
    const { token, expiresAt } = await this.#mintNodeToken(nodeId)
    // It may have gone while the database answered.
    if (!channel.isOpen) return disconnectNode(this.#platform, nodeId, this.gatewayId)

    this.#channels.get(nodeId)?.close(CLOSE.replaced, 'the node opened a newer channel')
    channel.nodeId = nodeId
    channel.tokenExpiresAt = expiresAt
    const dropped = new Set<AttemptId>(drop)
    for (const attemptId of [...holds.filter((id) => !dropped.has(id)), ...resend]) channel.attempts.add(attemptId)
    this.#channels.set(nodeId, channel)
    this.#metrics.workerChannels(this.#channels.size)
    const heartbeatMs = this.#heartbeatMs()
    this.#health.watch(nodeId, heartbeatMs, clock.now())
    channel.send({ type: 'welcome', heartbeatMs, leaseMs: config.timing.leaseMs, token, drop: [...drop] })
    // Tiers with a cap on round trips wait for the first figure.
    channel.ping()
    const leases = await leasesAgain(this.#platform, resend)
    for (const some of leaseBatches(leases)) channel.send({ type: 'leases', leases: some })
    await this.dispatch()
  }

  #heartbeatMs(): number {
    const { heartbeatsPerSecond, heartbeatMinMs, heartbeatMaxMs } = this.#platform.config.timing
    const wish = { nodes: this.#channels.size, targetPerSecond: heartbeatsPerSecond }
    return heartbeatIntervalMs({ ...wish, minMs: heartbeatMinMs, maxMs: heartbeatMaxMs }, this.#platform.rng)
  }

  #receive(channel: WorkerChannel, nodeId: NodeId, message: WorkerMessage): void {
    this.#health.beat(nodeId, this.#platform.clock.now())
    switch (message.type) {
      case 'heartbeat':
        return
      case 'harvest':
        void changeHarvest(this.#platform, nodeId, message.harvest).catch((fault: unknown) =>
          this.#refuseFault(channel, fault),
        )
        return
      case 'log': {
        const attemptId = parseId('attempt', message.attemptId)
        if (channel.attempts.has(attemptId)) this.#log.add({ ...message, attemptId })
        return
      }
      case 'checkpoint': {
        const { attemptId, fence, checkpoint } = message
        return this.#takeCheckpoint(channel, { nodeId, attemptId: parseId('attempt', attemptId), fence, checkpoint })
      }
      case 'hello':
        return this.#refuse(channel, 'out_of_order', 'hello was said before')
      default:
        return this.#hear(channel, { ...message, attemptId: parseId('attempt', message.attemptId), nodeId })
    }
  }

  #hear(channel: WorkerChannel, saying: Saying): void {
    const answer = this.#heard.add(saying)
    if (!answer) return channel.close(CLOSE.overloaded, 'too much waits for the database; come back soon')
    answer.then(
      (heard) => {
        if (heard === 'forged') return this.#refuse(channel, 'forged', 'the message does not belong to this node')
        if (saying.type === 'started') return
        channel.attempts.delete(saying.attemptId)
        channel.send({ type: 'ack', attempts: [saying.attemptId] })
      },
      (fault: unknown) => {
        this.#platform.log.error({ err: fault, nodeId: saying.nodeId }, 'what a worker said could not be taken in')
        // It keeps what was not acknowledged, and says it again when it is back.
        channel.close(CLOSE.overloaded, 'the control plane could not take that in; come back soon')
      },
    )
  }

  #takeCheckpoint(channel: WorkerChannel, saying: CheckpointSaying): void {
    const { attemptId, fence } = saying
    const { sequence } = saying.checkpoint
    const tell = (refusal?: string) =>
      channel.send({ type: 'checkpointed', attemptId, fence, sequence, ...(refusal === undefined ? {} : { refusal }) })
    const answer = this.#checkpoints.add(saying)
    // It is not kept, and the worker has a newer one soon.
    if (!answer) return tell('too much waits for the database')
    answer.then(
      (outcome) => {
        if (outcome.kind === 'forged')
          return this.#refuse(channel, 'forged', 'the checkpoint does not belong to this node')
        tell(outcome.kind === 'refused' ? outcome.why : undefined)
      },
      (fault: unknown) => {
        this.#platform.log.error({ err: fault, nodeId: saying.nodeId }, 'a checkpoint could not be taken in')
        tell('the control plane could not take it in')
      },
    )
  }

  #refuse(channel: WorkerChannel, why: string, detail: string): void {
    this.#metrics.refusedWorkerMessage(why)
    this.#platform.log.warn({ nodeId: channel.nodeId, address: channel.address, why }, 'a worker message was refused')
    channel.send({ type: 'refused', code: `channel.${why}`, detail })
    channel.close(CLOSE.malformed, detail)
  }

  #refuseFault(channel: WorkerChannel, fault: unknown): void {
    if (!isFogError(fault)) {
      this.#platform.log.error({ err: fault, nodeId: channel.nodeId }, 'a worker channel failed')
      return channel.close(CLOSE.overloaded, 'the control plane failed; come back soon')
    }
    this.#metrics.refusedWorkerMessage(fault.code)
    channel.send({ type: 'refused', code: fault.code, detail: fault.message })
    channel.close(CLOSE.refused, fault.code)
  }

  async #lose(nodeId: NodeId): Promise<void> {
    try {
      await this.#forget(nodeId)
    } catch (fault) {
      // The node's row still names this gateway; its leases run out by themselves.
      this.#platform.log.error({ err: fault, nodeId }, 'a lost channel could not be noted')
    }
  }

  async #forget(nodeId: NodeId): Promise<void> {
    this.#channels.delete(nodeId)
    this.#metrics.workerChannels(this.#channels.size)
    await disconnectNode(this.#platform, nodeId, this.gatewayId)
  }
}
