import { assert } from '@fog/kernel'
import { compileProgram } from './wasm/fuel.ts'
import type { ModuleLimits } from './wasm/inspect.ts'
import { FUEL_EXPORT, MEMORY_DENIED_EXPORT } from './wasm/names.ts'
import { type FuelGlobal, OutOfFuel, WasiHost, type WasiOptions } from './wasi/host.ts'
import type { ExceededLimit } from './wasi/quota.ts'

export interface RunTaskOptions extends WasiOptions {
  /** A module from `compileProgram`, or the program's own bytes, which are then prepared and compiled. */
  readonly module: WebAssembly.Module | Uint8Array
  readonly fuelLimit: bigint
  /** For bytes only: a compiled module has its limits inside. */
  readonly moduleLimits?: Partial<ModuleLimits>
}

export type TrapReason =
  | 'unreachable'
  | 'memory_out_of_bounds'
  | 'table_out_of_bounds'
  | 'integer_divide_by_zero'
  | 'integer_overflow'
  | 'indirect_call_mismatch'
  | 'stack_overflow'
  | 'other'

/** How a task ended. Only `exited` with code 0 is success. */
export type TaskEnding =
  | { readonly status: 'exited'; readonly exitCode: number }
  | { readonly status: 'trapped'; readonly reason: TrapReason; readonly message: string }
  | { readonly status: 'fuel_exhausted'; readonly fuelLimit: bigint }
  /** It was refused memory and then failed. */
  | { readonly status: 'memory_exceeded'; readonly exitCode: number | undefined }
  /** It was refused room for its files. Even if it ended well, its results are not whole. */
  | { readonly status: 'output_exceeded'; readonly limit: ExceededLimit; readonly exitCode: number | undefined }

/** What a task left behind, however it ended. */
export interface TaskRecord {
  readonly fuelUsed: bigint
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
  readonly stdoutCut: boolean
  readonly stderrCut: boolean
  /** Results by safe relative name, sorted. */
  readonly outputs: ReadonlyMap<string, Uint8Array>
  /** What lies in `/state`, by relative name, sorted. */
  readonly state: ReadonlyMap<string, Uint8Array>
  /** The most linear memory it had. */
  readonly peakMemoryBytes: number
  readonly peakDiskBytes: number
}

export type TaskOutcome = TaskEnding & TaskRecord

/** More than anyone could burn in a century, and far from where the counter would wrap. */
const MOST_FUEL = 2n ** 62n

/**
 * Runs one program to its end, on this thread and without a pause: stopping it early is done from outside, by ending
 * the thread. Same program, same inputs, same limits: same outcome, on every machine and engine, save when it
 * overflows the engine's stack or computes with the bits of a NaN.
 *
 * @throws {ProgramError} when the program is refused before it runs.
 */
export function runTask(options: RunTaskOptions): TaskOutcome {
  assert(options.fuelLimit >= 0n && options.fuelLimit <= MOST_FUEL, 'a fuel limit lies between 0 and 2^62')
  const { module } = options
  const compiled = module instanceof WebAssembly.Module ? module : compileProgram(module, options.moduleLimits)
  const host = new WasiHost(options)
  const { ending, fuelLeft } = runIn(host, compiled, options.fuelLimit)
  return {
    ...ending,
    fuelUsed: fuelLeft < 0n ? options.fuelLimit : options.fuelLimit - fuelLeft,
    stdout: host.stdout(),
    stderr: host.stderr(),
    stdoutCut: host.stdoutCut,
    stderrCut: host.stderrCut,
    outputs: host.outputs(),
    state: host.state(),
    peakMemoryBytes: host.memoryBytes,
    peakDiskBytes: host.peakDiskBytes,
  }
}

function runIn(
  host: WasiHost,
  module: WebAssembly.Module,
  fuelLimit: bigint,
): { ending: TaskEnding; fuelLeft: bigint } {
  let instance: WebAssembly.Instance
  try {
    instance = new WebAssembly.Instance(module, host.imports)
  } catch (thrown) {
    // Data or elements that do not fit trap here; nothing of the program has run yet.
    return { ending: trapOf(thrown), fuelLeft: fuelLimit }
  }
  const { fuel, memoryDenied } = metersOf(instance)
  fuel.value = fuelLimit
  const ending = attempt(() => host.run(instance))
  return { ending: judge(ending, host, fuel, memoryDenied, fuelLimit), fuelLeft: fuel.value }
}

function metersOf({ exports }: WebAssembly.Instance): { fuel: FuelGlobal; memoryDenied: WebAssembly.Global<'i32'> } {
  const { [FUEL_EXPORT]: fuel, [MEMORY_DENIED_EXPORT]: memoryDenied } = exports
  assert(
    fuel instanceof WebAssembly.Global && memoryDenied instanceof WebAssembly.Global,
    'a module is compiled by compileProgram before it runs',
  )
  return { fuel: fuel as FuelGlobal, memoryDenied: memoryDenied as WebAssembly.Global<'i32'> }
}

type Plain = Extract<TaskEnding, { status: 'exited' | 'trapped' }>

function attempt(run: () => number): Plain {
  try {
    return { status: 'exited', exitCode: run() }
  } catch (thrown) {
    return trapOf(thrown)
  }
}

/** Names the limit behind an ending, when one was hit. */
function judge(
  ending: Plain,
  host: WasiHost,
  fuel: FuelGlobal,
  memoryDenied: WebAssembly.Global<'i32'>,
  fuelLimit: bigint,
): TaskEnding {
  const exitCode = ending.status === 'exited' ? ending.exitCode : undefined
  if (fuel.value < 0n) return { status: 'fuel_exhausted', fuelLimit }
  if (host.exceeded) return { status: 'output_exceeded', limit: host.exceeded, exitCode }
  if (memoryDenied.value !== 0 && exitCode !== 0) return { status: 'memory_exceeded', exitCode }
  return ending
}

/** The machine, not the program, has no more: another attempt elsewhere may well succeed. */
const HOST_IS_FULL = /out of memory|allocation failed|could not allocate/i

/** What engines say of a trap: V8, SpiderMonkey and JavaScriptCore word it differently. */
const REASONS: readonly (readonly [RegExp, TrapReason])[] = [
  [/call stack|too much recursion|stack overflow/i, 'stack_overflow'],
  [/unreachable/i, 'unreachable'],
  [/table/i, 'table_out_of_bounds'],
  [/memory|data segment|out of bounds/i, 'memory_out_of_bounds'],
  [/(divi|remainder).*zero/i, 'integer_divide_by_zero'],
  [/divide result|unrepresentable|overflow|out of range/i, 'integer_overflow'],
  [/signature|indirect call|null function/i, 'indirect_call_mismatch'],
]

function trapOf(thrown: unknown): Extract<TaskEnding, { status: 'trapped' }> {
  if (thrown instanceof OutOfFuel) return { status: 'trapped', reason: 'other', message: thrown.message }
  if (!(thrown instanceof WebAssembly.RuntimeError) && !(thrown instanceof RangeError)) throw thrown
  const { message } = thrown
  if (HOST_IS_FULL.test(message)) throw thrown
  const reason = REASONS.find(([pattern]) => pattern.test(message))?.[1] ?? 'other'
  return { status: 'trapped', reason, message }
}
