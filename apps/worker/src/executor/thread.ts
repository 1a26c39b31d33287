import { flushCompileCache } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import { compileProgram, exitText, ProgramError, runTask, TaskFileError, type TaskOutcome } from '@fog/idle'
import { assert, fromHex, isFogError, utf8 } from '@fog/kernel'
import { LogTape } from './log-tape.ts'
import type { ChildEnding, RunMessage } from './protocol.ts'
import { StatePost } from './state-post.ts'

/** What the supervisor hands to the thread that computes. The contents are the thread's own. */
export interface ThreadTask {
  readonly run: RunMessage
  readonly contents: readonly Uint8Array[]
}

export interface ThreadResult {
  readonly ending: ChildEnding
  readonly exit: string
  readonly fuel: string
  readonly peakMemoryBytes: number
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
  readonly outputs: readonly (readonly [path: string, bytes: Uint8Array])[]
}

/** More could not be listed in one message to the control plane. */
const MOST_OUTPUTS = 10_000
const MOST_PATH_BYTES = 1024
/** As the contract has it, which a child does not load. */
const MOST_STATE_FILES = 1000

const port = parentPort
assert(port, 'this runs on a thread of a child')
const shared = workerData as { readonly tape: SharedArrayBuffer; readonly taken: SharedArrayBuffer }
const tape = new LogTape(shared.tape)
let program: { readonly key: string; readonly module: WebAssembly.Module } | undefined

warmUp()
// Only the run that fills the cache of compiled sources may write to it; elsewhere this does nothing.
flushCompileCache()
port.postMessage('ready')
port.on('message', (task: ThreadTask) => {
  const result = resultOf(task)
  const buffers = [result.stdout, result.stderr, ...result.outputs.map(([, bytes]) => bytes)].map((b) => b.buffer)
  port.postMessage(result, [...new Set(buffers)] as ArrayBuffer[])
})

/** Runs a program that does nothing, so that the first real one finds our own code parsed and compiled. */
function warmUp(): void {
  // One page of memory, exported; `_start`, empty.
  const bytes = fromHex(
    '0061736d01000000010401600000030201000503010001071302066d656d6f72790200065f737461727400000a040102000b',
  )
  assert(bytes, 'the warm-up program is hexadecimal')
  runTask({ module: compileProgram(bytes), fuelLimit: 1000n })
}

function resultOf(task: ThreadTask): ThreadResult {
  try {
    return judged(compute(task), task.run)
  } catch (fault) {
    return failed(fault)
  }
}

function compute({ run, contents }: ThreadTask): TaskOutcome {
  const { args, env, limits } = run
  const rest = [...contents]
  const module = moduleOf(run, run.bringsProgram ? rest.shift() : undefined)
  const stdin = run.hasStdin ? rest.shift() : undefined
  const state = limits.stateBytes > 0 ? statePost(limits.stateBytes) : undefined
  return runTask({
    module,
    args,
    env,
    ...(stdin ? { stdin } : {}),
    files: run.files.map((path, i) => [path, rest[i]!] as const),
    fuelLimit: BigInt(limits.fuel),
    limits: { diskBytes: limits.diskBytes, stdoutBytes: Math.min(STDOUT_BYTES, limits.outputBytes) },
    onStdout: (bytes) => tape.write('stdout', bytes),
    onStderr: (bytes) => tape.write('stderr', bytes),
    ...(state ? { onState: (snapshot) => state.post(snapshot) } : {}),
  })
}

function statePost(bytes: number): StatePost {
  assert(port, 'this runs on a thread of a child')
  return new StatePost(port, shared.taken, { bytes, files: MOST_STATE_FILES, pathBytes: MOST_PATH_BYTES })
}

/** Kept whole as content, at most; a result names it like any output. */
const STDOUT_BYTES = 16 * 1024 * 1024

function moduleOf({ programKey, limits }: RunMessage, bytes: Uint8Array | undefined): WebAssembly.Module {
  if (program?.key === programKey) return program.module
  assert(bytes, 'a program that is not compiled here comes with the task')
  program = undefined
  const module = compileProgram(bytes, { memoryBytes: limits.memoryBytes })
  program = { key: programKey, module }
  return module
}

function judged(outcome: TaskOutcome, { limits }: RunMessage): ThreadResult {
  const { stdout, stderr, peakMemoryBytes } = outcome
  const fuel = String(outcome.fuelUsed)
  const common = { exit: exitText(outcome), fuel, peakMemoryBytes, stdout, stderr }
  const ending = endingOf(outcome)
  // Only a program that came to its own end has results that are what it meant them to be.
  if (ending.status !== 'exited') return { ...common, ending, outputs: [] }
  const excess = excessOf(outcome.outputs, limits.outputBytes)
  if (!excess) return { ...common, ending, outputs: [...outcome.outputs] }
  const { exitCode } = ending
  const { exit, detail } = excess
  return { ...common, exit, ending: { status: 'output_exceeded', detail, exitCode }, outputs: [] }
}

function endingOf(outcome: TaskOutcome): ChildEnding {
  switch (outcome.status) {
    case 'exited':
      return { status: 'exited', exitCode: outcome.exitCode }
    case 'trapped':
      return { status: 'trapped', detail: `${outcome.reason}: ${outcome.message}`.slice(0, 2000) }
    case 'fuel_exhausted':
      return { status: 'fuel_exhausted' }
    case 'memory_exceeded':
      return { status: 'memory_exceeded', ...withExitCode(outcome.exitCode) }
    case 'output_exceeded': {
      const what = outcome.limit === 'disk' ? 'its files were larger than its disk limit' : 'it made too many files'
      return { status: 'output_exceeded', detail: what, ...withExitCode(outcome.exitCode) }
    }
  }
}

function withExitCode(exitCode: number | undefined) {
  return exitCode === undefined ? {} : { exitCode }
}

function excessOf(outputs: ReadonlyMap<string, Uint8Array>, mostBytes: number) {
  if (outputs.size > MOST_OUTPUTS) {
    return exceeded('files', `it left ${outputs.size} files, and ${MOST_OUTPUTS} are allowed`)
  }
  const longest = Math.max(0, ...Iterator.from(outputs.keys()).map((path) => utf8(path).length))
  if (longest > MOST_PATH_BYTES) {
    return exceeded('names', `it left a file whose name has ${longest} bytes, and ${MOST_PATH_BYTES} are allowed`)
  }
  const bytes = Iterator.from(outputs.values()).reduce((sum, { length }) => sum + length, 0)
  return bytes > mostBytes
    ? exceeded('bytes', `it left ${bytes} bytes of files, and ${mostBytes} are allowed`)
    : undefined
}

function exceeded(what: string, detail: string) {
  return { exit: `output_exceeded:${what}`, detail }
}

function failed(fault: unknown): ThreadResult {
  const empty = { fuel: '0', peakMemoryBytes: 0, stdout: new Uint8Array(), stderr: new Uint8Array(), outputs: [] }
  const refused = fault instanceof ProgramError || fault instanceof TaskFileError
  const status = refused ? 'not_loadable' : isAllocation(fault) ? 'memory_exceeded' : 'faulted'
  if (status === 'memory_exceeded') return { ...empty, exit: status, ending: { status } }
  return { ...empty, exit: status, ending: { status, detail: detailOf(fault) } }
}

/** What the host keeps for a program, its files above all, may outgrow what the process can have. */
function isAllocation(fault: unknown): boolean {
  return fault instanceof RangeError && /allocation failed|invalid (typed )?array (buffer )?length/i.test(fault.message)
}

function detailOf(fault: unknown): string {
  if (isFogError(fault)) return fault.message.slice(0, 2000)
  const text = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)
  return text.slice(0, 2000)
}
