import { type Static, Type } from 'typebox'
import { canonicalJson, utf8 } from '@fog/kernel'
import { BlobRef, Bytes, Digest, Fuel, id, Labels, strict } from './schemas.ts'

/**
 * What crosses the WebSocket between a worker and the control plane: JSON texts, one message each.
 *
 * The server speaks first with a `challenge`; the worker proves its key with `hello`; only then does anything else count.
 * Every message may come late or twice: each names its attempt and fencing token, and without the live lease changes nothing.
 */

/** Most bytes of one message. Results carry small outputs inside; larger ones are uploaded before. */
export const MAX_CHANNEL_MESSAGE_BYTES = 1024 * 1024
/** Most bytes of one output inside a result, and of all of them together. */
export const MAX_INLINE_BLOB_BYTES = 64 * 1024
export const MAX_INLINE_TOTAL_BYTES = 512 * 1024

/** Most files of a checkpoint: its list travels in one message. */
export const MAX_STATE_FILES = 1000

const Fence = Type.Integer({ minimum: 1, maximum: 1_000_000 })
const Hex64 = Type.String({ pattern: '^[0-9a-f]{128}$', description: 'Ed25519 signature, hex' })

export const DeviceMessage = strict({
  os: Type.String({ maxLength: 40 }),
  arch: Type.String({ maxLength: 40 }),
  cores: Type.Integer({ minimum: 1, maximum: 4096 }),
  memoryBytes: Bytes,
  cpuModel: Type.Optional(Type.String({ maxLength: 200 })),
  kinds: Type.Array(Type.String({ maxLength: 20 }), { maxItems: 20 }),
  agentVersion: Type.String({ maxLength: 40 }),
})

export const HarvestMessage = strict({
  mode: Type.Union([
    Type.Literal('run'),
    Type.Literal('throttle'),
    Type.Literal('suspend'),
    Type.Literal('evict'),
    Type.Literal('off'),
  ]),
  reasons: Type.Array(Type.String({ maxLength: 200 }), { maxItems: 10 }),
  cpuShare: Type.Integer({ minimum: 0, maximum: 100 }),
  maxTasks: Type.Integer({ minimum: 0, maximum: 10_000 }),
})

const ResourcesMessage = strict({
  cpuMilli: Type.Integer({ minimum: 0, maximum: 4_096_000 }),
  memoryBytes: Bytes,
  diskBytes: Bytes,
})

export const ReportMessage = strict({
  outcome: Type.Union([
    strict({ ok: Type.Literal(true) }),
    strict({
      ok: Type.Literal(false),
      failure: strict({
        reason: Type.Union([
          Type.Literal('trapped'),
          Type.Literal('exit_nonzero'),
          Type.Literal('fuel_exhausted'),
          Type.Literal('memory_exceeded'),
          Type.Literal('wall_exceeded'),
          Type.Literal('output_exceeded'),
          Type.Literal('not_loadable'),
        ]),
        detail: Type.String({ maxLength: 2000 }),
      }),
    }),
  ]),
  exitCode: Type.Optional(Type.Integer()),
  exit: Type.String({ maxLength: 200, description: 'The ending in one word, as it goes into the digest: `exited:0`' }),
  digest: Digest,
  fuel: Fuel,
  cpuMs: Type.Number({ minimum: 0 }),
  wallMs: Type.Number({ minimum: 0 }),
  peakMemoryBytes: Bytes,
  stdout: BlobRef,
  stderr: BlobRef,
  outputs: Type.Array(strict({ path: Type.String({ minLength: 1, maxLength: 1024 }), digest: Digest, size: Bytes }), {
    maxItems: 10_000,
  }),
  signature: Hex64,
})
export type ReportMessage = Static<typeof ReportMessage>

const attempt = { attemptId: id('attempt'), fence: Fence }

/** A file that was given or left behind, by its content. */
const FileMessage = strict({ path: Type.String({ minLength: 1, maxLength: 1024 }), digest: Digest, size: Bytes })

/** What lay in `/state` at one moment, uploaded before it is named here. */
export const CheckpointMessage = strict({
  /** From 1 in each attempt, rising. */
  sequence: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }),
  /** Relative to `/state`. */
  files: Type.Array(FileMessage, { maxItems: MAX_STATE_FILES }),
  /** Of this attempt alone, up to that moment. */
  fuel: Fuel,
  cpuMs: Type.Number({ minimum: 0 }),
  wallMs: Type.Number({ minimum: 0 }),
  /** Over `checkpointMessage`. */
  signature: Hex64,
})
export type CheckpointMessage = Static<typeof CheckpointMessage>

export const WorkerMessage = Type.Union([
  strict({
    type: Type.Literal('hello'),
    nodeId: id('node'),
    /** Over `channelMessage(nonce, nodeId, gatewayId)` of @fog/contract. */
    signature: Hex64,
    device: DeviceMessage,
    capacity: ResourcesMessage,
    labels: Labels,
    harvest: HarvestMessage,
    /** Attempts it holds or has reported without an acknowledgement. Leases not named here are lost. */
    attempts: Type.Array(id('attempt'), { maxItems: 10_000 }),
  }),
  strict({ type: Type.Literal('heartbeat'), attempts: Type.Array(id('attempt'), { maxItems: 10_000 }) }),
  strict({ type: Type.Literal('harvest'), harvest: HarvestMessage }),
  strict({ type: Type.Literal('started'), ...attempt }),
  strict({
    type: Type.Literal('log'),
    ...attempt,
    sequence: Type.Integer({ minimum: 0 }),
    stream: Type.Union([Type.Literal('stdout'), Type.Literal('stderr'), Type.Literal('system')]),
    text: Type.String({ maxLength: 16_384 }),
  }),
  strict({
    type: Type.Literal('result'),
    ...attempt,
    report: ReportMessage,
    inline: Type.Array(strict({ digest: Digest, data: Type.String({ description: 'base64url' }) }), { maxItems: 1000 }),
  }),
  /** Answered by `checkpointed`. */
  strict({ type: Type.Literal('checkpoint'), ...attempt, checkpoint: CheckpointMessage }),
  strict({
    type: Type.Literal('returned'),
    ...attempt,
    reason: Type.String({ maxLength: 300, description: 'Why the node gives the task back, as a person would say it' }),
    /** The last checkpoint of this attempt that was acknowledged: from there the task goes on. */
    checkpoint: Type.Optional(Type.Integer({ minimum: 1 })),
  }),
])
export type WorkerMessage = Static<typeof WorkerMessage>

const InputMessage = strict({ path: Type.String({ maxLength: 512 }), digest: Digest, size: Bytes })

/** All a worker needs to run one attempt. */
export const LeaseMessage = strict({
  attemptId: id('attempt'),
  taskId: id('task'),
  jobId: id('job'),
  fence: Fence,
  kind: Type.Literal('wasm'),
  program: BlobRef,
  args: Type.Array(Type.String()),
  env: Type.Record(Type.String(), Type.String()),
  inputs: Type.Array(InputMessage),
  stdin: Type.Optional(BlobRef),
  /** How checkpoints are kept; left out, none are. */
  state: Type.Optional(
    strict({
      /** From one checkpoint to the next, at least. */
      everyMs: Type.Integer({ minimum: 0 }),
      /** Of all files of a checkpoint together. */
      maxBytes: Bytes,
      /** What an earlier attempt left, to be laid into `/state` before the program starts. */
      files: Type.Array(FileMessage),
    }),
  ),
  limits: strict({
    cpuMilli: Type.Integer(),
    memoryBytes: Bytes,
    diskBytes: Bytes,
    wallMs: Type.Integer(),
    /** Less what earlier attempts used up to the checkpoint this one goes on from. */
    fuel: Fuel,
    outputBytes: Bytes,
  }),
})
export type LeaseMessage = Static<typeof LeaseMessage>

export const ServerMessage = Type.Union([
  strict({
    type: Type.Literal('challenge'),
    nonce: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    gatewayId: id('gateway'),
  }),
  strict({
    type: Type.Literal('welcome'),
    heartbeatMs: Type.Integer({ minimum: 100 }),
    leaseMs: Type.Integer({ minimum: 1000 }),
    /** Bearer token for the node's HTTP routes, good until the channel closes or a new one comes. */
    token: Type.String(),
    /** Of the attempts named in `hello`, those to drop: no longer theirs, or already settled. */
    drop: Type.Array(id('attempt')),
  }),
  strict({ type: Type.Literal('token'), token: Type.String() }),
  strict({ type: Type.Literal('leases'), leases: Type.Array(LeaseMessage) }),
  /** The results are durable, or will never count; the worker may forget them. */
  strict({ type: Type.Literal('ack'), attempts: Type.Array(id('attempt')) }),
  strict({ type: Type.Literal('cancel'), attempts: Type.Array(id('attempt')) }),
  /** The checkpoint is durable; or it will never be, and why. */
  strict({
    type: Type.Literal('checkpointed'),
    ...attempt,
    sequence: Type.Integer({ minimum: 1 }),
    refusal: Type.Optional(Type.String()),
  }),
  /** Another task needs the place: ship what is in `/state`, then end the program and send `returned`, all within the grace. */
  strict({
    type: Type.Literal('preempt'),
    ...attempt,
    graceMs: Type.Integer({ minimum: 0 }),
    reason: Type.String({ maxLength: 300 }),
  }),
  strict({ type: Type.Literal('refused'), code: Type.String(), detail: Type.String() }),
])
export type ServerMessage = Static<typeof ServerMessage>

/** What a device signs to enrol. `joinTokenDigest` is the SHA-256 (hex) of the join token, which itself never is signed data. */
export function enrolmentMessage(facts: { joinTokenDigest: string; publicKey: string; name: string }): Uint8Array {
  return utf8(canonicalJson({ purpose: 'fog.enrol.v1', ...facts }))
}

/** What a worker signs to open its channel: bound to this nonce and this gateway, so it is good once and here only. */
export function channelMessage(facts: { nonce: string; nodeId: string; gatewayId: string }): Uint8Array {
  return utf8(canonicalJson({ purpose: 'fog.channel.v1', ...facts }))
}

/** What a worker signs for a result: everything in the report but the signature, bound to the attempt and its fence. */
export function resultMessage(facts: {
  nodeId: string
  attemptId: string
  taskId: string
  fence: number
  report: Omit<ReportMessage, 'signature'>
}): Uint8Array {
  const { outcome, exitCode, exit, digest, fuel, cpuMs, wallMs, peakMemoryBytes, stdout, stderr, outputs } =
    facts.report
  return utf8(
    canonicalJson({
      purpose: 'fog.result.v1',
      nodeId: facts.nodeId,
      attemptId: facts.attemptId,
      taskId: facts.taskId,
      fence: facts.fence,
      outcome,
      exitCode,
      exit,
      digest,
      fuel,
      cpuMs,
      wallMs,
      peakMemoryBytes,
      stdout,
      stderr,
      outputs,
    }),
  )
}

/** What a worker signs for a checkpoint: whoever goes on from it, and whoever pays for it, knows whose it is. */
export function checkpointMessage(facts: {
  nodeId: string
  attemptId: string
  taskId: string
  fence: number
  checkpoint: Omit<CheckpointMessage, 'signature'>
}): Uint8Array {
  const { sequence, files, fuel, cpuMs, wallMs } = facts.checkpoint
  return utf8(
    canonicalJson({
      purpose: 'fog.checkpoint.v1',
      nodeId: facts.nodeId,
      attemptId: facts.attemptId,
      taskId: facts.taskId,
      fence: facts.fence,
      sequence,
      files,
      fuel,
      cpuMs,
      wallMs,
    }),
  )
}
