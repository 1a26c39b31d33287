import { readFileSync } from 'node:fs'
import {
  checkpointMessage,
  type JobSubmission,
  type LeaseMessage,
  type ReportMessage,
  resultMessage,
} from '@fog/contract'
import { enrolled, type Reach } from '@fog/fog'
import { resultPreimage } from '@fog/idle'
import {
  amount,
  type AttemptId,
  type GatewayId,
  ManualClock,
  newId,
  type NodeId,
  parseId,
  type Rng,
  seededRng,
  toBase64Url,
  toHex,
  utf8,
} from '@fog/kernel'
import { type KeyPair, keyPairFromSeed, sha256, sign } from '@fog/kernel/node'
import { Ledger } from '@fog/tokenomics'
import { MemoryBlobStore } from '../../blobs/index.ts'
import { readConfig } from '../../config.ts'
import { MemoryPlatformDatabase } from '../../db/memory/memory-platform-database.ts'
import { type Platform, SILENT_LOG } from '../../platform.ts'
import type { Database } from '../../ports.ts'
import type { ResultSaying } from '../accept-result.ts'
import { takeAttemptState } from '../attempt-blobs.ts'
import { dispatchLeases } from '../dispatch-job.ts'
import { connectNode } from '../node-life.ts'
import { placeJobs, Round } from '../place-jobs.ts'
import type { Submitter } from '../submit-job.ts'
import type { CheckpointSaying } from '../take-checkpoint.ts'

const GIB = 1024 ** 3
const NOOP = new Uint8Array(readFileSync(new URL('../../../../../packages/idle/fixtures/noop.wasm', import.meta.url)))
export const PROGRAM = toHex(sha256(NOOP))

/** A device of the small fog: real keys, no processor. */
export interface Device {
  readonly nodeId: NodeId
  readonly keys: KeyPair
}

/** A lease on its way to a device. */
export interface Sent {
  readonly device: Device
  readonly lease: LeaseMessage
}

interface SmallFogOptions {
  readonly devices?: number
  /** Of each device. */
  readonly cores?: number
  /** Whether the control plane can be reached through a mixnet; not, unless said. */
  readonly hasMixnet?: boolean
  /** Empty; a memory twin unless given. */
  readonly database?: Database
}

/** A platform on memory stores, or a database that is given, and a manual clock, with one submitter who has 1,000 tokens and as many devices as asked for. */
export class SmallFog {
  readonly clock = new ManualClock()
  readonly rng: Rng = seededRng(1)
  readonly platform: Platform
  readonly gatewayId: GatewayId
  readonly round = new Round()
  readonly submitter: Submitter
  readonly devices: Device[] = []
  readonly #reaches = new Map<NodeId, Reach>()

  private constructor(database: Database, hasMixnet: boolean) {
    const at = this.clock.now()
    this.platform = {
      database,
      blobs: new MemoryBlobStore(),
      clock: this.clock,
      rng: this.rng,
      config: readConfig({}),
      log: SILENT_LOG,
      hasMixnet,
    }
    this.gatewayId = newId('gateway', at, this.rng)
    this.submitter = { userId: newId('user', at, this.rng), accountId: newId('account', at, this.rng) }
  }

  static async open({
    devices = 1,
    cores = 2,
    hasMixnet = false,
    database: own,
  }: SmallFogOptions = {}): Promise<SmallFog> {
    const fog = new SmallFog(own ?? new MemoryPlatformDatabase(), hasMixnet)
    const { database, clock, rng } = fog.platform
    const { accountId } = fog.submitter
    await database.transact(async (tx) => {
      const ledger = new Ledger({ store: tx.ledger, clock })
      await ledger.openSystemAccounts()
      await ledger.openAccount({ accountId, name: 'submitter' })
      const transferId = newId('transfer', clock.now(), rng)
      await ledger.mint({ accountId, amount: amount(1_000_000_000n), transferId, reference: 'first grant' })
      await tx.blobs.addSmall([{ digest: PROGRAM, content: NOOP, at: clock.now() }])
      await tx.blobs.grant([{ accountId, digest: PROGRAM }])
    })
    for (let i = 0; i < devices; i++) await fog.join(`device ${i}`, cores)
    return fog
  }

  /** A device of an owner of its own enrols and connects. */
  async join(name: string, cores: number, labels: Readonly<Record<string, string>> = {}): Promise<Device> {
    const { database, clock, rng } = this.platform
    const keys = keyPairFromSeed(rng.bytes(32))
    const nodeId = newId('node', clock.now(), rng)
    const ownerId = newId('account', clock.now(), rng)
    await database.transact(async (tx) => {
      await new Ledger({ store: tx.ledger, clock }).openAccount({ accountId: ownerId, name })
      const publicKey = toHex(keys.publicKey)
      await tx.nodes.add(enrolled({ nodeId, ownerId, name, publicKey, labels: {}, at: clock.now() }))
    })
    const device = { nodeId, keys }
    await this.connect(device, [], cores, labels)
    this.devices.push(device)
    return device
  }

  connect(
    { nodeId }: Device,
    holds: readonly AttemptId[] = [],
    cores = 2,
    labels: Readonly<Record<string, string>> = {},
    reach: Reach = 'direct',
  ) {
    this.#reaches.set(nodeId, reach)
    const facts = {
      gatewayId: this.gatewayId,
      reach,
      device: { os: 'linux', arch: 'x64', cores, memoryBytes: 4 * GIB, kinds: ['wasm'], agentVersion: 'test' },
      capacity: { cpuMilli: cores * 1000, memoryBytes: 4 * GIB, diskBytes: 100 * GIB },
      labels,
      harvest: { mode: 'run', reasons: [], cpuShare: 100, maxTasks: cores * 4 } as const,
      at: this.clock.now(),
    }
    return connectNode(this.platform, nodeId, facts, holds)
  }

  submission(more: Partial<JobSubmission> = {}): JobSubmission {
    return { name: 'job', program: { kind: 'wasm', digest: PROGRAM }, tasks: [{ item: 'a' }], verify: 'none', ...more }
  }

  place() {
    return placeJobs(this.platform, this.round)
  }

  /** What the gateway would send now, by device. */
  async dispatch(): Promise<Sent[]> {
    const sent: Sent[] = []
    const nodeIds = this.devices.map(({ nodeId }) => nodeId)
    const send = (nodeId: NodeId, leases: readonly LeaseMessage[]) => {
      const device = this.devices.find((each) => each.nodeId === nodeId)!
      sent.push(...leases.map((lease) => ({ device, lease })))
    }
    await dispatchLeases(this.platform, this.gatewayId, nodeIds, send, (nodeId) => this.#reaches.get(nodeId)!)
    return sent
  }

  /** Brings a checkpoint with one file, and states it as the device would. */
  async checkpoint(
    { nodeId, keys }: Device,
    lease: LeaseMessage,
    text: string,
    part: { readonly sequence?: number; readonly fuel?: bigint } = {},
  ): Promise<CheckpointSaying> {
    const content = utf8(text)
    const digest = toHex(sha256(content))
    const attemptId = parseId('attempt', lease.attemptId)
    const parts = (async function* () {
      yield content
    })()
    await takeAttemptState(this.platform, { nodeId, attemptId, digest }, { parts })
    const { sequence = 1, fuel = 2_000_000_000n } = part
    const files = [{ path: 'at', digest, size: content.length }]
    const stated = { sequence, files, fuel: String(fuel), cpuMs: 3, wallMs: 4 }
    const { taskId, fence } = lease
    const facts = { nodeId, attemptId, taskId, fence, checkpoint: stated }
    const signature = toHex(sign(checkpointMessage(facts), keys.secretKey))
    return { nodeId, attemptId, fence, checkpoint: { ...stated, signature } }
  }

  /** The result an honest device sends: it printed `answer` and left these files, each with its own name in it. */
  result(device: Device, lease: LeaseMessage, answer = 'right', outputs: readonly string[] = []): ResultSaying {
    return this.#report(device, lease, answer, 0, outputs)
  }

  /** The program said why and exited with 1. */
  failure(device: Device, lease: LeaseMessage): ResultSaying {
    return this.#report(device, lease, 'no', 1)
  }

  #report(
    { nodeId, keys }: Device,
    lease: LeaseMessage,
    answer: string,
    exitCode: 0 | 1,
    names: readonly string[] = [],
  ): ResultSaying {
    const content = utf8(answer)
    const digest = toHex(sha256(content))
    const files = names.map((path) => ({ path, content: utf8(path), digest: toHex(sha256(utf8(path))) }))
    const outputs = files.map((file) => ({ path: file.path, digest: file.digest, size: file.content.length }))
    const report = reportOf(digest, content.length, exitCode, outputs)
    const attemptId = parseId('attempt', lease.attemptId)
    const facts = { nodeId, attemptId, taskId: lease.taskId, fence: lease.fence, report }
    const signature = toHex(sign(resultMessage(facts), keys.secretKey))
    const inline = [{ digest, content }, ...files].map((file) => ({
      digest: file.digest,
      data: toBase64Url(file.content),
    }))
    return { type: 'result', nodeId, attemptId, fence: lease.fence, report: { ...report, signature }, inline }
  }
}

function reportOf(
  digest: string,
  size: number,
  exitCode: 0 | 1,
  outputs: ReportMessage['outputs'],
): Omit<ReportMessage, 'signature'> {
  const fuel = 5_000_000_000n
  const exit = `exited:${exitCode}`
  const preimage = resultPreimage({ exit, fuelUsed: fuel, stdoutDigest: digest, outputs })
  return {
    outcome:
      exitCode === 0 ? { ok: true } : { ok: false, failure: { reason: 'exit_nonzero', detail: 'it exited with 1' } },
    exitCode,
    exit,
    digest: toHex(sha256(preimage)),
    fuel: String(fuel),
    cpuMs: 5,
    wallMs: 6,
    peakMemoryBytes: 65_536,
    stdout: { digest, size },
    stderr: { digest, size },
    outputs,
  }
}
