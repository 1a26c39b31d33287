import { setFlagsFromString } from 'node:v8'
import { parentPort, workerData } from 'node:worker_threads'
import { compileProgram, ProgramError, runTask, TaskFileError, type TaskOutcome } from '@fog/idle'
import { assert } from '@fog/kernel'

/** One task, complete, as it is handed to the thread. */
export interface LocalTask {
  readonly program: Uint8Array
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly files: readonly (readonly [path: string, content: Uint8Array])[]
  readonly stdin: Uint8Array | undefined
  readonly memoryBytes: number
  readonly diskBytes: number
  readonly fuelLimit: bigint
  readonly wallMs: number
}

export type LocalMessage =
  | { readonly type: 'print'; readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }
  | {
      readonly type: 'ended'
      readonly exitCode: number | undefined
      readonly failure?: string
      /** What happened, for the person. */
      readonly says?: string
      readonly fuel: string
      readonly peakMemoryBytes: number
      readonly outputs: readonly (readonly [path: string, content: Uint8Array])[]
    }

/** What a program prints is kept whole elsewhere; here it only passes through. */
const MOST_PRINTED_BYTES = 1024 * 1024 * 1024

const port = parentPort
assert(port, 'this runs on a thread of the command line')
// The baseline compiler does not leave its tier in a long loop.
setFlagsFromString('--no-liftoff')
tell(ended(workerData as LocalTask))

function tell(message: LocalMessage): void {
  port?.postMessage(message)
}

function ended(task: LocalTask): LocalMessage {
  try {
    return messageOf(run(task))
  } catch (fault) {
    if (!(fault instanceof ProgramError) && !(fault instanceof TaskFileError)) throw fault
    const none = { fuel: '0', peakMemoryBytes: 0, outputs: [] }
    return { type: 'ended', exitCode: undefined, failure: 'not_loadable', says: fault.message, ...none }
  }
}

function printer(stream: 'stdout' | 'stderr'): (bytes: Uint8Array) => void {
  return (bytes) => tell({ type: 'print', stream, bytes: bytes.slice() })
}

function run({ program, args, env, files, stdin, memoryBytes, diskBytes, fuelLimit }: LocalTask): TaskOutcome {
  return runTask({
    module: compileProgram(program, { memoryBytes }),
    args: [...args],
    env,
    files,
    ...(stdin && { stdin }),
    fuelLimit,
    limits: { diskBytes, stdoutBytes: MOST_PRINTED_BYTES },
    onStdout: printer('stdout'),
    onStderr: printer('stderr'),
  })
}

function messageOf(outcome: TaskOutcome): LocalMessage {
  const { peakMemoryBytes, outputs } = outcome
  return {
    type: 'ended',
    exitCode: 'exitCode' in outcome ? outcome.exitCode : undefined,
    ...failureOf(outcome),
    fuel: String(outcome.fuelUsed),
    peakMemoryBytes,
    outputs: [...outputs],
  }
}

function failureOf(outcome: TaskOutcome): { failure?: string; says?: string } {
  switch (outcome.status) {
    case 'exited':
      return {}
    case 'trapped':
      return { failure: 'trapped', says: `The program trapped: ${outcome.message} (${outcome.reason}).` }
    case 'fuel_exhausted':
      return { failure: 'fuel_exhausted', says: 'The program used up its fuel; raise --fuel or --wall.' }
    case 'memory_exceeded':
      return { failure: 'memory_exceeded', says: 'The program wanted more memory than it was given; raise --memory.' }
    case 'output_exceeded':
      return { failure: 'output_exceeded', says: `The program left more than it may (${outcome.limit}); raise --disk.` }
  }
}
