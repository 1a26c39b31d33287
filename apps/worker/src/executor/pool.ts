import type { Logger } from 'pino'
import { WorkerError } from '../errors.ts'
import { ChildGone, type ChildTask, ExecutorChild, type RunEnd, type RunHandlers } from './child-process.ts'
import type { StateWish, TakenState } from './state-arrival.ts'
import type { ChildEnding } from './protocol.ts'
import { RunClock } from './run-clock.ts'
import type { Sandbox } from './sandbox.ts'

export interface PoolOptions {
  /** Children that wait, ready, for a program they have not seen. */
  readonly spares: number
  /** Children kept with their program compiled, and for how long. */
  readonly mostIdle: number
  readonly idleMs: number
  /** A spare is made this long after one was taken, so that it does not compete with the task that took it. */
  readonly refillMs: number
  readonly startMs: number
  /** A child that says nothing for this long is broken. */
  readonly silentMs: number
  /** Of a child's whole life, in seconds; a longer task gets a child with more. */
  readonly cpuSeconds: number
  /** The most memory any program may have on this device. */
  readonly memoryBytes: number
}

export const DEFAULT_POOL: Omit<PoolOptions, 'memoryBytes'> = {
  spares: 1,
  mostIdle: 4,
  idleMs: 60_000,
  refillMs: 100,
  startMs: 20_000,
  silentMs: 30_000,
  cpuSeconds: 4 * 3600,
}

export interface PoolTask extends ChildTask {
  readonly wallMs: number
}

/** How a task ended in the executor. `faulted` is ours, not the program's: the task may be tried again. */
export type TaskEnding = ChildEnding | { readonly status: 'wall_exceeded'; readonly detail: string }

export interface TaskEnd {
  readonly ending: TaskEnding
  /** The ending in one word, as it goes into the digest. */
  readonly exit: string
  readonly fuel: string
  readonly cpuMs: number
  /** While its process was not stopped. */
  readonly wallMs: number
  readonly peakMemoryBytes: number
  /** Whether the contents came, into sinks opened in order: stdout, stderr, then the outputs. Not when it was ended from outside. */
  readonly hasContents: boolean
  /** Paths of the outputs. */
  readonly outputs: readonly string[]
}

/** What can be asked of a task while it runs. */
export interface RunControl {
  /** The newest checkpoint; undefined when the run ends first. A process that is stopped answers when it goes on. */
  takeState(wish: StateWish): Promise<TakenState | undefined>
  /** Lets a stopped process go on, so that it can answer before it is ended. */
  wake(): void
  /** Used so far. */
  readonly cpuMs: number
  readonly wallMs: number
}

export interface PoolHandlers extends RunHandlers {
  /** Called once a process has the task. */
  readonly onRun: (control: RunControl) => void
}

/** One period of a throttled child: it runs for its share, then it is stopped. Short enough to look smooth in a monitor. */
const THROTTLE_PERIOD_MS = 100
/** Processor time a task may use for each second of its wall limit: its thread, the compiler's and the collector's. */
const CPU_PER_WALL = 2
const SPARE_CPU_SECONDS = 60

/**
 * Children for tasks: one task each at a time, one program each for life. A child that has compiled a program is kept a
 * while for its next task, and a spare waits for a program nobody has run yet.
 */
export class ExecutorPool {
  readonly #sandbox: Sandbox
  readonly #log: Logger
  readonly #options: PoolOptions
  readonly #children = new Map<ExecutorChild, Keeping>()
  readonly #runs = new Map<ExecutorChild, WatchedRun>()
  #share = 100
  #throttle: NodeJS.Timeout | undefined
  #refill: NodeJS.Timeout | undefined
  #watch: NodeJS.Timeout | undefined
  #isStopped = false

  constructor({ sandbox, log }: { sandbox: Sandbox; log: Logger }, options: PoolOptions) {
    this.#sandbox = sandbox
    this.#log = log
    this.#options = options
  }

  /** Ready when the first spare is. Throws `worker.no_runtime` when no child can be started here. */
  async start(): Promise<void> {
    const compiled = this.#compileSources()
    const spare = this.#spawn(this.#options.cpuSeconds)
    const outcomes = await Promise.allSettled([compiled, this.#readyInTime(spare)])
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed) {
      await this.stop()
      const why = failed.reason instanceof Error ? failed.reason.message : String(failed.reason)
      throw new WorkerError({ code: 'worker.no_runtime', why }, { cause: failed.reason })
    }
    this.#watch = setInterval(() => this.#lookAround(), 1000)
    this.#scheduleRefill()
  }

  /** Kills every child and waits until they are gone. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearInterval(this.#watch)
    clearInterval(this.#throttle)
    clearTimeout(this.#refill)
    const children = [...this.#children.keys()]
    children.forEach((child) => child.kill())
    await Promise.all(children.map(({ gone }) => gone))
  }

  get childCount(): number {
    return this.#children.size
  }

  /** Process ids of the children, wrappers included: what is measured and listed by these is ours. */
  get pids(): readonly number[] {
    return [...this.#children.keys()].map(({ pid }) => pid)
  }

  /** How much of its time each task may run, in percent; 0 stops them all where they are. */
  setShare(percent: number): void {
    if (percent === this.#share) return
    this.#share = percent
    clearInterval(this.#throttle)
    this.#throttle = undefined
    if (percent > 0) this.#continueAll()
    if (percent < 100) this.#pauseAll()
    if (percent > 0 && percent < 100) this.#throttle = setInterval(() => this.#throttleOnce(), THROTTLE_PERIOD_MS)
  }

  /** Runs a task to its end. Throws the signal's reason once the task is stopped because of it. */
  async run(task: PoolTask, handlers: PoolHandlers, signal: AbortSignal): Promise<TaskEnd> {
    signal.throwIfAborted()
    const child = this.#take(task)
    const run = new WatchedRun(child, task, handlers)
    this.#runs.set(child, run)
    const cancel = () => child.kill()
    signal.addEventListener('abort', cancel, { once: true })
    try {
      if (this.#share < 100) child.stop()
      else run.clock.run()
      handlers.onRun(run)
      const end = await run.ended()
      signal.throwIfAborted()
      return end
    } finally {
      signal.removeEventListener('abort', cancel)
      run.clock.pause()
      this.#runs.delete(child)
      this.#giveBack(child, run)
    }
  }

  #take(task: PoolTask): ExecutorChild {
    const neededMs = task.wallMs * CPU_PER_WALL + SPARE_CPU_SECONDS * 1000
    const free = [...this.#children].filter(([child, keeping]) => {
      return !this.#runs.has(child) && !child.isGone && keeping.cpuLeftMs >= neededMs
    })
    const warm = free.find(([child]) => child.programKey === task.programKey)
    const spare = free.find(([child]) => child.programKey === undefined)
    const [child] = warm ?? spare ?? [this.#spawn(Math.max(this.#options.cpuSeconds, Math.ceil(neededMs / 1000)))]
    this.#scheduleRefill()
    return child
  }

  #giveBack(child: ExecutorChild, run: WatchedRun): void {
    const keeping = this.#children.get(child)
    if (!keeping || !run.isReusable || this.#isStopped) return child.kill()
    child.continue()
    keeping.cpuLeftMs -= run.cpuMs
    keeping.idleSinceMs = performance.now()
    this.#retire()
  }

  #spawn(cpuSeconds: number): ExecutorChild {
    const launch = this.#sandbox.launch({ memoryBytes: this.#options.memoryBytes, cpuSeconds })
    const child = new ExecutorChild(launch, this.#sandbox.openCgroup())
    this.#children.set(child, {
      cpuLeftMs: cpuSeconds * 1000,
      idleSinceMs: performance.now(),
      startedAtMs: performance.now(),
    })
    void child.gone.then((gone) => {
      this.#children.delete(child)
      this.#log.debug({ pid: child.pid, exitCode: gone.exitCode, signal: gone.signal }, 'child ended')
      this.#scheduleRefill()
    })
    return child
  }

  /** One child that runs no task fills the cache of compiled sources, which tasks' children may only read. */
  async #compileSources(): Promise<void> {
    const { memoryBytes, cpuSeconds } = this.#options
    const child = new ExecutorChild(this.#sandbox.launchBare({ memoryBytes, cpuSeconds }))
    try {
      await this.#readyInTime(child)
    } finally {
      child.kill()
      await child.gone
    }
  }

  async #readyInTime(child: ExecutorChild): Promise<void> {
    const timer = setTimeout(() => child.kill(), this.#options.startMs)
    await child.ready.finally(() => clearTimeout(timer))
  }

  #scheduleRefill(): void {
    if (this.#isStopped || this.#refill) return
    this.#refill = setTimeout(() => {
      this.#refill = undefined
      const spares = [...this.#children.keys()].filter(
        (child) => child.programKey === undefined && !this.#runs.has(child),
      )
      if (spares.length < this.#options.spares) this.#spawnSpare()
    }, this.#options.refillMs)
  }

  #spawnSpare(): void {
    try {
      this.#spawn(this.#options.cpuSeconds)
    } catch (fault) {
      // The next task starts its own child, and tells if that fails too.
      this.#log.error({ err: fault }, 'a spare child could not be started')
    }
  }

  /** The longest idle go first, when there are too many or they have waited too long. */
  #retire(): void {
    const now = performance.now()
    const idle = [...this.#children]
      .filter(([child]) => child.programKey !== undefined && !this.#runs.has(child))
      .sort(([, a], [, b]) => b.idleSinceMs - a.idleSinceMs)
    idle.forEach(([child, { idleSinceMs, cpuLeftMs }], place) => {
      const isWornOut = cpuLeftMs < (SPARE_CPU_SECONDS + 1) * 1000
      if (place >= this.#options.mostIdle || now - idleSinceMs > this.#options.idleMs || isWornOut) child.kill()
    })
  }

  #lookAround(): void {
    this.#retire()
    const now = performance.now()
    for (const child of this.#runs.keys()) {
      if (child.isStopped || now - child.heardAtMs < this.#options.silentMs) continue
      this.#log.warn({ pid: child.pid }, 'a child went silent and is killed')
      child.kill()
    }
  }

  #throttleOnce(): void {
    this.#continueAll()
    setTimeout(
      () => {
        if (this.#share < 100) this.#pauseAll()
      },
      (THROTTLE_PERIOD_MS * this.#share) / 100,
    )
  }

  #pauseAll(): void {
    for (const [child, run] of this.#runs) {
      if (run.isLeaving) continue
      child.stop()
      run.clock.pause()
    }
  }

  #continueAll(): void {
    for (const [child, { clock }] of this.#runs) {
      child.continue()
      clock.run()
    }
  }
}

interface Keeping {
  cpuLeftMs: number
  idleSinceMs: number
  readonly startedAtMs: number
}

/** One task on one child, with its limit on time, and what is known when it is ended from outside. */
class WatchedRun implements RunControl {
  readonly clock: RunClock
  isReusable = false
  /** It is no longer stopped: it shall answer and then end. */
  isLeaving = false
  cpuMs = 0
  readonly #child: ExecutorChild
  readonly #task: PoolTask
  readonly #handlers: RunHandlers
  #rssPeakBytes = 0
  #isOverTime = false

  constructor(child: ExecutorChild, task: PoolTask, handlers: RunHandlers) {
    this.#child = child
    this.#task = task
    this.#handlers = handlers
    this.clock = new RunClock(task.wallMs, () => {
      this.#isOverTime = true
      child.kill()
    })
  }

  get wallMs(): number {
    return this.clock.elapsedMs
  }

  takeState(wish: StateWish): Promise<TakenState | undefined> {
    return this.#child.takeState(wish)
  }

  wake(): void {
    this.isLeaving = true
    this.#child.continue()
  }

  async ended(): Promise<TaskEnd> {
    try {
      await this.#child.ready
      this.clock.begin()
      const end = await this.#child.run(this.#task, { ...this.#handlers, onBeat: (beat) => this.#beat(beat) })
      // A result that was on its way when time ran out is late all the same.
      return this.#isOverTime ? this.#cut() : this.#whole(end)
    } catch (fault) {
      return this.#cut(fault)
    }
  }

  #beat(beat: { readonly cpuMs: number; readonly rssPeakBytes: number }): void {
    this.cpuMs = beat.cpuMs
    this.#rssPeakBytes = beat.rssPeakBytes
    this.#handlers.onBeat(beat)
  }

  #whole(end: RunEnd): TaskEnd {
    this.isReusable = end.isReusable && end.ending.status !== 'faulted'
    this.cpuMs = end.cpuMs
    const { ending, exit, fuel, cpuMs, peakMemoryBytes, outputs } = end
    return { ending, exit, fuel, cpuMs, wallMs: this.clock.elapsedMs, peakMemoryBytes, hasContents: true, outputs }
  }

  /** It was ended from outside: its fuel went with the process, and its memory is known from outside only. */
  #cut(fault?: unknown): TaskEnd {
    const ending = this.#isOverTime ? this.#overTime() : endingOf(fault)
    const { cpuMs } = this
    const wallMs = this.clock.elapsedMs
    const peakMemoryBytes = this.#rssPeakBytes
    return { ending, exit: ending.status, fuel: '0', cpuMs, wallMs, peakMemoryBytes, hasContents: false, outputs: [] }
  }

  #overTime(): TaskEnding {
    return { status: 'wall_exceeded', detail: `it ran longer than its ${this.#task.wallMs / 1000} s` }
  }
}

const SIGXCPU = 24
const SIGABRT = 6

/** What the end of a child says about its task. A wrapper passes a signal on as 128 and its number. */
function endingOf(fault: unknown): TaskEnding {
  if (!(fault instanceof ChildGone)) return { status: 'faulted', detail: String(fault).slice(0, 2000) }
  const { exitCode, signal, words, message } = fault
  if (signal === 'SIGXCPU' || exitCode === 128 + SIGXCPU) {
    return { status: 'wall_exceeded', detail: 'it used more processor time than its wall limit allows' }
  }
  const isAborted = signal === 'SIGABRT' || exitCode === 128 + SIGABRT
  if (fault.wasOutOfMemory) return { status: 'memory_exceeded' }
  if (isAborted && /out of memory|allocation failed/i.test(words)) return { status: 'memory_exceeded' }
  return { status: 'faulted', detail: message.slice(0, 2000) }
}
