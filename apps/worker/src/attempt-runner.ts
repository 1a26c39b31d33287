import type { BlobRef, LeaseMessage, WorkerMessage } from '@fog/contract'
import { assert, type AttemptId, type Clock, type NodeId } from '@fog/kernel'
import type { Logger } from 'pino'
import type { Channel } from './channel.ts'
import { type Checkpointed, Checkpoints, type CheckpointsDependencies } from './checkpoints.ts'
import type { Content } from './executor/child-process.ts'
import type { ExecutorPool, PoolTask, RunControl, TaskEnd } from './executor/pool.ts'
import type { Identity } from './identity.ts'
import type { InputCache, PinnedInput } from './inputs.ts'
import { LogRelay } from './log-relay.ts'
import type { KeptContent, Outbox, OutputCollector } from './outputs.ts'
import { isOfContract, packContents, reportOf, type ResultMessage, type TaskResult } from './report.ts'
import type { Spool } from './spool.ts'

/** Why a running task goes back to the control plane. */
export class GivenBack extends Error {
  override readonly name = 'GivenBack'
}

/** It goes back with its last checkpoint, which may be shipped until then. */
class Evicted extends GivenBack {
  readonly until: number

  constructor(reason: string, until: number) {
    super(reason)
    this.until = until
  }
}

/** One attempt under way. */
export interface Run {
  /** Says once more that it has started, if it has. */
  tellStart(): void
  /** Ends it: with `GivenBack` it goes back to the control plane, else nobody wants to hear of it. */
  stop(reason?: GivenBack): void
  /**
   * Ends it in good order: takes what the program has in place in `/state`, ends the program, and ships what was taken. After
   * `graceMs` the program is ended whatever has been taken, and the task goes back.
   */
  evict(reason: string, graceMs: number): void
  /** The control plane's answer to a checkpoint. */
  checkpointed(answer: Checkpointed): void
  readonly ended: Promise<RunOutcome>
}

export type RunOutcome =
  /** Its result is durable in the spool. */
  | { readonly type: 'finished' }
  /** With the number of its newest checkpoint that was acknowledged, if there is one. */
  | { readonly type: 'returned'; readonly reason: string; readonly checkpoint: number | undefined }
  | { readonly type: 'dropped' }

export interface AttemptRunnerDependencies {
  readonly pool: ExecutorPool
  readonly inputs: InputCache
  readonly outbox: Outbox
  readonly spool: Spool
  readonly identity: Identity
  readonly nodeId: () => NodeId
  readonly channel: Pick<Channel, 'send' | 'isRoomy'>
  readonly checkpoints: CheckpointsDependencies
  readonly clock: Clock
  readonly log: Logger
}

/** Inputs of one task fetched at the same time. */
const FETCHES = 4
/** A task that takes longer is said to have started; of a shorter one the result tells. */
const TELL_START_MS = 15
/** A fault of the executor itself is answered by one more try on a new child. */
const TRIES = 2

/** Takes one lease from its inputs to a result that is signed and durable. */
export class AttemptRunner {
  readonly #dependencies: AttemptRunnerDependencies

  constructor(dependencies: AttemptRunnerDependencies) {
    this.#dependencies = dependencies
  }

  run(lease: LeaseMessage, attemptId: AttemptId): Run {
    const running = new Running(this.#dependencies, lease, attemptId)
    return running
  }
}

class Running implements Run {
  readonly ended: Promise<RunOutcome>
  readonly #dependencies: AttemptRunnerDependencies
  readonly #lease: LeaseMessage
  readonly #attemptId: AttemptId
  readonly #abort = new AbortController()
  readonly #pinned: PinnedInput[] = []
  readonly #collector: OutputCollector
  readonly #relay: LogRelay
  /** What was printed live: all that is left of the streams when the run is ended from outside. */
  readonly #printed = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] }
  readonly #checkpoints: Checkpoints
  #hasStarted = false
  /** Its program has come to an end: there is a result, and nothing to evict. */
  #hasRun = false
  #isEvicted = false

  constructor(dependencies: AttemptRunnerDependencies, lease: LeaseMessage, attemptId: AttemptId) {
    this.#dependencies = dependencies
    this.#lease = lease
    this.#attemptId = attemptId
    this.#collector = dependencies.outbox.collect(attemptId)
    const { channel } = dependencies
    const send = (message: WorkerMessage) => channel.isRoomy && channel.send(message)
    this.#relay = new LogRelay({ attempt: { attemptId, fence: lease.fence }, send })
    this.#checkpoints = new Checkpoints(dependencies.checkpoints, lease, attemptId)
    this.ended = this.#toTheEnd()
  }

  tellStart(): void {
    const { fence } = this.#lease
    if (this.#hasStarted) this.#dependencies.channel.send({ type: 'started', attemptId: this.#attemptId, fence })
  }

  stop(reason?: GivenBack): void {
    this.#abort.abort(reason ?? DROPPED)
  }

  evict(reason: string, graceMs: number): void {
    if (this.#isEvicted || this.#hasRun) return
    this.#isEvicted = true
    const evicted = new Evicted(reason, this.#dependencies.clock.now() + graceMs)
    if (!this.#lease.state || !this.#hasStarted || graceMs <= 0) return this.stop(evicted)
    void this.#checkpoints.takeLast(graceMs).then(() => {
      // It may have come to its own end meanwhile.
      if (!this.#hasRun) this.stop(evicted)
    })
  }

  checkpointed(answer: Checkpointed): void {
    this.#checkpoints.answered(answer)
  }

  async #toTheEnd(): Promise<RunOutcome> {
    try {
      const task = await this.#prepare()
      const end = await this.#execute(task)
      this.#hasRun = true
      await this.#keep(await this.#resultOf(end))
      return { type: 'finished' }
    } catch (fault) {
      this.#dependencies.outbox.remove(this.#attemptId)
      if (this.#abort.signal.aborted) return await this.#outcomeOf(this.#abort.signal.reason)
      if (fault instanceof GivenBack) return await this.#outcomeOf(fault)
      this.#dependencies.log.warn({ attemptId: this.#attemptId, err: fault }, 'a task could not be run here')
      const why = fault instanceof Error ? fault.message : String(fault)
      return { type: 'returned', reason: `it could not be run here: ${why}`.slice(0, 300), checkpoint: undefined }
    } finally {
      this.#checkpoints.end()
      this.#pinned.forEach((input) => input.release())
    }
  }

  async #outcomeOf(reason: unknown): Promise<RunOutcome> {
    if (!(reason instanceof GivenBack)) return { type: 'dropped' }
    const leftMs = reason instanceof Evicted ? reason.until - this.#dependencies.clock.now() : 0
    return { type: 'returned', reason: reason.message, checkpoint: await this.#checkpoints.shipLast(leftMs) }
  }

  async #prepare(): Promise<PoolTask> {
    const { program, stdin, inputs, state, args, env, limits } = this.#lease
    const given = [...inputs, ...(state?.files.map((file) => ({ ...file, path: `/state/${file.path}` })) ?? [])]
    const wanted = [program, ...(stdin ? [stdin] : []), ...given]
    const files = await this.#fetchAll(wanted)
    const content = ({ digest }: BlobRef): Content => files.get(digest)!
    return {
      programKey: `${program.digest}:${limits.memoryBytes}`,
      program: content(program),
      stdin: stdin && content(stdin),
      files: given.map((input) => [input.path, content(input)] as const),
      args,
      env,
      limits: { ...limits, stateBytes: Math.min(state?.maxBytes ?? 0, limits.diskBytes) },
      wallMs: limits.wallMs,
    }
  }

  async #fetchAll(wanted: readonly BlobRef[]): Promise<Map<string, PinnedInput>> {
    const { inputs } = this.#dependencies
    const { signal } = this.#abort
    const missing = [...new Map(wanted.map((blob) => [blob.digest, blob])).values()]
    const fetchOne = async (blob: BlobRef) => {
      const input = await inputs.take(this.#attemptId, blob, signal)
      this.#pinned.push(input)
    }
    const fetchNext = async (): Promise<void> => {
      for (let blob = missing.shift(); blob; blob = missing.shift()) await fetchOne(blob)
    }
    // All of them settle before anything is let go, or a late one would stay pinned.
    const outcomes = await Promise.allSettled(Array.from({ length: FETCHES }, fetchNext))
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed) throw failed.reason
    return new Map(this.#pinned.map((input) => [input.digest, input]))
  }

  async #execute(task: PoolTask): Promise<TaskEnd> {
    this.#hasStarted = true
    // Of a task that ends at once the result alone says it all: half as many messages for the shortest ones.
    const telling = setTimeout(() => this.tellStart(), TELL_START_MS)
    try {
      return await this.#try(task)
    } finally {
      clearTimeout(telling)
    }
  }

  async #try(task: PoolTask): Promise<TaskEnd> {
    const { pool, log } = this.#dependencies
    for (let n = 1; ; n++) {
      const end = await pool.run(task, this.#handlers(), this.#abort.signal)
      if (end.ending.status !== 'faulted') return end
      log.error({ attemptId: this.#attemptId, detail: end.ending.detail }, 'the executor failed')
      if (n >= TRIES) throw new GivenBack('the executor of this worker failed twice on it')
      this.#relay.say('the executor failed; the task is begun again')
      this.#printed.stdout.length = 0
      this.#printed.stderr.length = 0
      await this.#collector.reset()
    }
  }

  #handlers() {
    return {
      onLog: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => {
        // The part lies in the memory of a whole frame.
        this.#printed[stream].push(bytes.slice())
        this.#relay.print(stream, bytes)
      },
      onLogFull: () => this.#relay.say('more was printed than is shown live; it comes with the result'),
      onBeat: () => undefined,
      onRun: (control: RunControl) => this.#checkpoints.begin(control),
      onState: ({ version, refusal }: { version: number; refusal?: string }) => {
        if (refusal === undefined) this.#checkpoints.changed(version)
        else this.#relay.say(`a checkpoint was not kept: ${refusal}`)
      },
      openSink: ({ size }: { size: number }) => this.#collector.openSink(size),
    }
  }

  async #resultOf(end: TaskEnd): Promise<TaskResult> {
    this.#relay.end()
    const kept = end.hasContents ? await this.#collector.contents() : await this.#printedContents()
    const [stdout, stderr, ...outputs] = kept
    return {
      end,
      stdout: stdout!,
      stderr: stderr!,
      outputs: outputs.map((each, i) => ({ ...each, path: end.outputs[i]! })),
    }
  }

  async #printedContents(): Promise<KeptContent[]> {
    await this.#collector.reset()
    for (const stream of ['stdout', 'stderr'] as const) {
      const bytes = Buffer.concat(this.#printed[stream])
      await this.#collector.openSink(bytes.length).write(bytes)
    }
    return this.#collector.contents()
  }

  async #keep(result: TaskResult): Promise<void> {
    const { spool, identity, nodeId } = this.#dependencies
    const { taskId, fence } = this.#lease
    const attemptId = this.#attemptId
    const report = reportOf(result)
    const { inline, uploads } = packContents(report, [result.stdout, result.stderr, ...result.outputs])
    for (const { digest, bytes } of uploads) if (bytes) await this.#collector.spill({ digest, bytes })
    const signature = identity.signResult({ attemptId, taskId, fence, report }, nodeId())
    const message: ResultMessage = { type: 'result', attemptId, fence, report: { ...report, signature }, inline }
    this.#abort.signal.throwIfAborted()
    assert(isOfContract(message), 'a result is one that the control plane can read')
    await spool.finish({
      attemptId,
      fence,
      message: JSON.stringify(message),
      uploads: uploads.map(({ digest }) => digest),
      uploadBytes: uploads.reduce((sum, { size }) => sum + size, 0),
    })
  }
}

const DROPPED = new Error('nobody wants it any more')
