import type { LeaseMessage, ServerMessage } from '@fog/contract'
import { type AttemptId, parseId } from '@fog/kernel'
import type { Logger } from 'pino'
import type { Channel } from './channel.ts'
import type { Delivery } from './delivery.ts'
import type { AttemptRunner, Run } from './attempt-runner.ts'
import type { Checkpointed } from './checkpoints.ts'
import type { Spool } from './spool.ts'

/** The most that all tasks together may take. */
export interface Room {
  readonly cpuMilli: number
  readonly memoryBytes: number
  readonly diskBytes: number
}

/** What the lender's policy lets through at this moment. */
export interface Gate {
  readonly maxTasks: number
  /** Why no more is taken, as the control plane will be told; undefined while work is welcome. */
  readonly closedBecause: string | undefined
}

export interface AttemptsDependencies {
  readonly channel: Pick<Channel, 'send'>
  readonly runner: AttemptRunner
  readonly delivery: Delivery
  readonly spool: Spool
  readonly log: Logger
  /** Called when a task starts or ends. */
  readonly changed: () => void
}

type Preempt = Extract<ServerMessage, { type: 'preempt' }>

interface Held {
  readonly lease: LeaseMessage
  readonly run: Run
}

/** Leases that may wait for room; the control plane gives short tasks ahead of their turn. */
const MOST_WAITING = 64
/** Acknowledged attempts remembered, so that a lease which comes late and twice is not run again. */
const MOST_SETTLED = 2000

/**
 * The attempts this worker holds: runs those that fit at once and the others in their turn, gives back with the reason what
 * it cannot take, and hands results on. A lease that comes again changes nothing but says again what became of it.
 */
export class Attempts {
  readonly #dependencies: AttemptsDependencies
  readonly #room: Room
  /** Oldest first. */
  readonly #held = new Map<AttemptId, Held>()
  /** Taken and not begun: there was no room yet. Oldest first. */
  readonly #waiting = new Map<AttemptId, LeaseMessage>()
  readonly #settled = new Map<AttemptId, number>()
  #gate: Gate = { maxTasks: 0, closedBecause: 'the worker is starting' }

  constructor(dependencies: AttemptsDependencies, room: Room) {
    this.#dependencies = dependencies
    this.#room = room
  }

  get count(): number {
    return this.#held.size
  }

  /** Cores that the tasks held now may use. */
  get busyCores(): number {
    return this.#used().cpuMilli / 1000
  }

  /** What `hello` and heartbeats name: held, or reported without an answer. */
  list(): AttemptId[] {
    return [...new Set([...this.#held.keys(), ...this.#waiting.keys(), ...this.#dependencies.spool.unacknowledged()])]
  }

  setGate(gate: Gate): void {
    this.#gate = gate
    if (gate.closedBecause !== undefined) this.returnWaiting(gate.closedBecause)
    else this.#beginWaiting()
  }

  take(leases: readonly LeaseMessage[]): void {
    for (const lease of leases) this.#takeOne(lease, parseId('attempt', lease.attemptId))
  }

  /** Stops attempts that are no longer wanted; nothing is said about them afterwards. */
  drop(attemptIds: readonly AttemptId[]): void {
    for (const attemptId of attemptIds) {
      this.#waiting.delete(attemptId)
      this.#held.get(attemptId)?.run.stop()
    }
  }

  /** The control plane has them, or will never count them. */
  settled(attemptIds: readonly AttemptId[]): void {
    for (const attemptId of attemptIds) this.#rememberSettled(attemptId)
    this.#dependencies.delivery.forget(attemptIds)
  }

  /** Gives back everything that is not finished, with its last checkpoints. Resolves when all of it is stopped. */
  async returnAll(reason: string, graceMs: number): Promise<void> {
    this.returnWaiting(reason)
    const runs = [...this.#held.values()].map(({ run }) => run)
    runs.forEach((run) => run.evict(reason, graceMs))
    await Promise.all(runs.map(({ ended }) => ended))
  }

  /** Gives one task back with its last checkpoint: another one needs its place. */
  preempt({ attemptId: text, fence, graceMs, reason }: Preempt): void {
    const attemptId = parseId('attempt', text)
    const waiting = this.#waiting.get(attemptId)
    const held = this.#held.get(attemptId)
    if (waiting?.fence === fence) {
      this.#waiting.delete(attemptId)
      this.#giveBack(waiting, reason)
    } else if (held?.lease.fence === fence) held.run.evict(reason, graceMs)
  }

  /** The control plane has a checkpoint, or will not have it. */
  checkpointed(answer: Checkpointed): void {
    const held = this.#held.get(parseId('attempt', answer.attemptId))
    if (held?.lease.fence === answer.fence) held.run.checkpointed(answer)
  }

  /** Gives back everything that has not begun. */
  returnWaiting(reason: string): void {
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const lease of waiting) this.#giveBack(lease, reason)
  }

  /** Gives back the running task that came last. */
  returnNewest(reason: string, graceMs: number): void {
    const newest = [...this.#held.values()].at(-1)
    newest?.run.evict(reason, graceMs)
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#held.size > 0) await Promise.all([...this.#held.values()].map(({ run }) => run.ended))
  }

  #takeOne(lease: LeaseMessage, attemptId: AttemptId): void {
    const { spool, delivery } = this.#dependencies
    if (this.#isRepeat(lease, attemptId)) return
    const older = this.#held.get(attemptId)
    if (older) return this.#replace(older, lease, attemptId)
    if (spool.fenceOfResult(attemptId) !== undefined) delivery.forget([attemptId])
    const refusal = this.#refusalOf(lease)
    if (refusal !== undefined) return this.#giveBack(lease, refusal)
    this.#waiting.set(attemptId, lease)
    this.#beginWaiting()
  }

  /** Begins what waits, in order, as long as the next one fits. */
  #beginWaiting(): void {
    for (const [attemptId, lease] of this.#waiting) {
      if (!this.#fitsNow(lease)) return
      this.#waiting.delete(attemptId)
      this.#begin(lease, attemptId)
    }
  }

  #begin(lease: LeaseMessage, attemptId: AttemptId): void {
    const { spool, runner, log } = this.#dependencies
    log.debug({ attemptId, taskId: lease.taskId }, 'lease taken')
    // It rides on the next commit; losing it loses nothing, for the control plane knows that it gave it.
    spool
      .accept({ attemptId, fence: lease.fence })
      .catch((fault: unknown) => log.error({ err: fault }, 'a lease could not be kept'))
    const held: Held = { lease, run: runner.run(lease, attemptId) }
    this.#held.set(attemptId, held)
    this.#dependencies.changed()
    void held.run.ended.then((end) => this.#ended(held, attemptId, end))
  }

  /** A newer lease of the same attempt: begun once the older one has let go of its files. */
  #replace(older: Held, lease: LeaseMessage, attemptId: AttemptId): void {
    older.run.stop()
    void older.run.ended.then(() => this.#takeOne(lease, attemptId))
  }

  /** Whether this or a newer lease of the same attempt is known; then what became of it is said again. */
  #isRepeat({ fence }: LeaseMessage, attemptId: AttemptId): boolean {
    const { spool, delivery } = this.#dependencies
    if ((this.#waiting.get(attemptId)?.fence ?? 0) >= fence) return true
    const held = this.#held.get(attemptId)
    if (held && held.lease.fence >= fence) {
      held.run.tellStart()
      return true
    }
    if ((spool.fenceOfResult(attemptId) ?? 0) >= fence) {
      delivery.deliver(attemptId)
      return true
    }
    return (this.#settled.get(attemptId) ?? 0) >= fence
  }

  #ended(held: Held, attemptId: AttemptId, end: Awaited<Run['ended']>): void {
    const { spool, delivery, log } = this.#dependencies
    this.#held.delete(attemptId)
    this.#dependencies.changed()
    this.#beginWaiting()
    if (end.type === 'finished') return delivery.deliver(attemptId)
    spool.drop(attemptId).catch((fault: unknown) => log.error({ err: fault }, 'a lease could not be dropped'))
    if (end.type === 'returned') this.#giveBack(held.lease, end.reason, end.checkpoint)
  }

  #giveBack({ attemptId, taskId, fence }: LeaseMessage, reason: string, checkpoint?: number): void {
    this.#dependencies.log.info({ attemptId, taskId, reason, checkpoint }, 'task given back')
    const from = checkpoint === undefined ? {} : { checkpoint }
    this.#dependencies.channel.send({ type: 'returned', attemptId, fence, reason: reason.slice(0, 300), ...from })
  }

  /** Why a lease cannot be taken, or undefined. */
  #refusalOf({ kind, limits }: LeaseMessage): string | undefined {
    if (kind !== 'wasm') return `this worker does not run tasks of kind ${String(kind)}`
    const { closedBecause } = this.#gate
    if (closedBecause !== undefined) return closedBecause
    if (this.#dependencies.spool.isFull) return 'too many results of this worker wait for an answer'
    if (this.#waiting.size >= MOST_WAITING) return `${MOST_WAITING} tasks wait here already`
    const short = ROOMS.find((name) => limits[name] > this.#room[name])
    return short && `this worker lends less ${WORDS[short]} than it asks for`
  }

  #fitsNow({ limits }: LeaseMessage): boolean {
    const used = this.#used()
    return this.#held.size < this.#gate.maxTasks && ROOMS.every((name) => used[name] + limits[name] <= this.#room[name])
  }

  #used(): Room {
    const used = { cpuMilli: 0, memoryBytes: 0, diskBytes: 0 }
    for (const { lease } of this.#held.values()) {
      used.cpuMilli += lease.limits.cpuMilli
      used.memoryBytes += lease.limits.memoryBytes
      used.diskBytes += lease.limits.diskBytes
    }
    return used
  }

  #rememberSettled(attemptId: AttemptId): void {
    const fence = this.#dependencies.spool.fenceOfResult(attemptId)
    if (fence === undefined) return
    this.#settled.set(attemptId, fence)
    const [oldest] = this.#settled.keys()
    if (this.#settled.size > MOST_SETTLED && oldest) this.#settled.delete(oldest)
  }
}

const ROOMS = ['cpuMilli', 'memoryBytes', 'diskBytes'] as const
const WORDS = { cpuMilli: 'processor time', memoryBytes: 'memory', diskBytes: 'disk' } as const
