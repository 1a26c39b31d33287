import { FogError, type Rng, seededRng, utf8 } from '@fog/kernel'
import { FUEL_EXPORT, START_EXPORT } from '../wasm/names.ts'
import { Exit, type WasiContext } from './context.ts'
import { Descriptors } from './descriptors.ts'
import { ERRNO, Refusal } from './errno.ts'
import { fileCalls } from './file-calls.ts'
import { FileTree } from './file-tree.ts'
import { GuestMemory } from './guest-memory.ts'
import { OutputStream, type StreamSink } from './output-stream.ts'
import { pathCalls } from './path-calls.ts'
import { pollCall } from './poll-call.ts'
import { DEFAULT_WASI_LIMITS, type ExceededLimit, Quota, type WasiLimits } from './quota.ts'
import { collectResults } from './results.ts'
import { WASI_MODULE, type WasiName } from './signatures.ts'
import { StateFolder, type StateSnapshot } from './state-folder.ts'
import { systemCalls } from './system-calls.ts'
import { blockingWait, DEFAULT_CLOCK_START_NS, type TaskClock, virtualClock, type Wait } from './task-clock.ts'

/** What a program finds when it starts. Everything may be left out. */
export interface WasiOptions {
  /** Its arguments, without its own name. */
  readonly args?: readonly string[]
  /** What it finds as `argv[0]`. */
  readonly programName?: string
  readonly env?: Readonly<Record<string, string>>
  /** By path: `/in/…` cannot be changed; a relative path lies in the working folder. The bytes are not copied. */
  readonly files?: Iterable<readonly [path: string, bytes: Uint8Array]>
  readonly stdin?: Uint8Array
  readonly limits?: Partial<WasiLimits>
  /** Of its random numbers. */
  readonly seed?: number
  /** Chance other than from a seed: no longer the same in every run. */
  readonly rng?: Rng
  /** Nanoseconds since 1970 at its start, on the virtual clock. */
  readonly clockStartNs?: bigint
  /** Clocks other than the virtual one: no longer the same in every run. */
  readonly clock?: TaskClock
  /** How sleeping waits; by default it blocks the thread. */
  readonly wait?: Wait
  /** Called with what the program prints, as it prints it, up to the limit. */
  readonly onStdout?: StreamSink
  readonly onStderr?: StreamSink
  /** Called when the program renamed a file into `/state`, or took one away: what then lies there is a checkpoint. */
  readonly onState?: (snapshot: StateSnapshot) => void
}

export class TaskFileError extends FogError<{ code: 'task.file_refused'; path: string; errno: number }> {
  static override readonly texts = {
    'task.file_refused': {
      says: 'The input "{path}" cannot be laid down for the task.',
      fix: 'Give each input a path of its own, not a folder, with names of at most 255 bytes.',
    },
  }
}

/**
 * WASI preview 1 for one run of one program: an in-memory file system, a virtual clock, seeded chance, no network and
 * nothing of the machine. It is synchronous, so it belongs on a thread that may block. Nothing it does throws into the
 * program; what the program asks wrongly it gets back as an error number.
 */
export class WasiHost {
  readonly imports: Record<typeof WASI_MODULE, Record<WasiName, WasiFunction>>
  readonly #tree: FileTree
  readonly #quota: Quota
  readonly #state: StateFolder
  readonly #stdout: OutputStream
  readonly #stderr: OutputStream
  readonly #memory = new GuestMemory()
  #fuel: FuelGlobal | undefined
  #fuelAtStart = 0n

  constructor(options: WasiOptions = {}) {
    const limits = { ...DEFAULT_WASI_LIMITS, ...options.limits }
    const clock = options.clock ?? this.#virtualClock(options)
    this.#quota = new Quota(limits)
    this.#tree = new FileTree({ quota: this.#quota, nowNs: () => clock.realtimeNs() })
    this.#stdout = new OutputStream('stdout', limits.stdoutBytes, options.onStdout)
    this.#stderr = new OutputStream('stderr', limits.stderrBytes, options.onStderr)
    for (const [path, bytes] of options.files ?? []) this.#give(path, bytes)
    this.#state = new StateFolder(this.#tree, () => this.#fuelUsed(), options.onState)
    this.#state.restored()
    this.imports = { [WASI_MODULE]: guarded(this.#context(options, clock, limits)) }
  }

  /**
   * Runs an instance made with `imports`: its start function if instrumentation took it out, then `_start`. Returns
   * the exit code. A trap leaves as the engine throws it.
   */
  run(instance: WebAssembly.Instance): number {
    const { exports } = instance
    this.bind(instance)
    try {
      callIfThere(exports[START_EXPORT])
      callIfThere(exports['_start'])
      return 0
    } catch (thrown) {
      if (thrown instanceof Exit) return thrown.code
      throw thrown
    }
  }

  /** Takes hold of an instance's memory and fuel without running it. */
  bind({ exports }: WebAssembly.Instance): void {
    const { memory, [FUEL_EXPORT]: fuel } = exports
    if (memory instanceof WebAssembly.Memory) this.#memory.attach(memory)
    this.#fuel = fuel instanceof WebAssembly.Global ? (fuel as FuelGlobal) : undefined
    this.#fuelAtStart = this.#fuel?.value ?? 0n
  }

  /** What it printed, up to the limit and a notice. */
  stdout(): Uint8Array {
    return this.#stdout.toBytes()
  }

  stderr(): Uint8Array {
    return this.#stderr.toBytes()
  }

  get stdoutCut(): boolean {
    return this.#stdout.isCut
  }

  get stderrCut(): boolean {
    return this.#stderr.isCut
  }

  /** Results by safe relative name, sorted: what is in `/out`, and what is new or changed in the working folder. */
  outputs(): ReadonlyMap<string, Uint8Array> {
    return collectResults(this.#tree)
  }

  /** Files in `/state`, by name, sorted, whether renamed into place or not. */
  state(): ReadonlyMap<string, Uint8Array> {
    const files = this.#tree.filesUnder(this.#tree.mount('state'))
    return new Map(Iterator.from(files).map(([path, file]) => [path, file.content.toBytes()]))
  }

  /** The first limit that kept the program from writing a result. */
  get exceeded(): ExceededLimit | undefined {
    return this.#quota.exceeded
  }

  /** Of linear memory. It never shrinks, so at the end this is the most it had. */
  get memoryBytes(): number {
    return this.#memory.byteLength
  }

  /** The most its files took at one time, in bytes, given ones not counted. */
  get peakDiskBytes(): number {
    return this.#quota.peakBytes
  }

  #virtualClock({ clockStartNs = DEFAULT_CLOCK_START_NS, wait = blockingWait() }: WasiOptions): TaskClock {
    return virtualClock({ startNs: clockStartNs, fuelUsed: () => this.#fuelUsed(), wait })
  }

  #fuelUsed(): bigint {
    return this.#fuel ? this.#fuelAtStart - this.#fuel.value : 0n
  }

  #give(path: string, bytes: Uint8Array): void {
    try {
      this.#tree.give(path, bytes)
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault
      throw new TaskFileError({ code: 'task.file_refused', path: path.slice(0, 200), errno: fault.errno })
    }
  }

  #context(options: WasiOptions, clock: TaskClock, limits: WasiLimits): WasiContext {
    const { args = [], programName = 'program', env = {}, seed = 0, rng = seededRng(seed) } = options
    return {
      memory: this.#memory,
      tree: this.#tree,
      descriptors: new Descriptors(this.#tree, limits.openFiles),
      clock,
      rng,
      args: [programName, ...args].map(terminated),
      env: Object.entries(env).map(([name, value]) => terminated(`${name}=${value}`)),
      stdin: { bytes: options.stdin ?? new Uint8Array(), offset: 0 },
      stdout: this.#stdout,
      stderr: this.#stderr,
      charge: (bytes) => this.#charge(bytes),
      state: this.#state,
    }
  }

  /** One unit for 16 bytes, as for the program's own copies. */
  #charge(bytes: number): void {
    const fuel = this.#fuel
    if (!fuel || bytes < 16) return
    fuel.value -= BigInt(Math.floor(bytes / 16))
    if (fuel.value < 0n) throw new OutOfFuel()
  }
}

/** Unwinds a program whose fuel ran out while the host worked for it. */
export class OutOfFuel {
  readonly message = 'out of fuel'
}

export type FuelGlobal = WebAssembly.Global<'i64'>

/** Numbers and big integers as the signature says; the engine converts, so a wrong one cannot arrive. */
type WasiFunction = (...args: never[]) => number | void

function guarded(context: WasiContext): Record<WasiName, WasiFunction> {
  const calls: Record<WasiName, WasiFunction> = {
    ...systemCalls(context),
    ...fileCalls(context),
    ...pathCalls(context),
    ...pollCall(context),
  }
  const names = Object.keys(calls) as WasiName[]
  return Object.fromEntries(names.map((name) => [name, guard(calls[name])])) as typeof calls
}

function guard(call: WasiFunction): WasiFunction {
  return (...args) => {
    try {
      call(...args)
      return ERRNO.success
    } catch (fault) {
      if (fault instanceof Refusal) return fault.errno
      throw fault
    }
  }
}

function callIfThere(exported: unknown): void {
  if (typeof exported === 'function') exported()
}

/** A C string. What is after a NUL the program could not see. */
function terminated(text: string): Uint8Array {
  return utf8(`${text.split('\0', 1)[0]!}\0`)
}
