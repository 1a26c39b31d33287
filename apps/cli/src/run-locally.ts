import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type JobDocument, programsOf } from '@fog/contract'
import { assert } from '@fog/kernel'
import { prepareJob, safeJoin } from '@fog/sdk/node'
import type { PreparedJob } from '@fog/sdk'
import { programExitCode } from './exit-code.ts'
import type { Invocation } from './invocation.ts'
import type { LocalMessage, LocalTask } from './local-thread.ts'

const MIB = 1_048_576
/** What the job document leaves open, as the fog fills it in. */
const DEFAULTS = { memoryMiB: 128, diskMiB: 256, wallSeconds: 60, fuelPerCoreSecond: 4_000_000_000, cores: 1 }

/** Runs the one task of a document in this process, in the sandbox the fog's nodes use. Answers the exit code. */
export async function runLocally(it: Invocation, document: JobDocument, { out }: { out?: string }): Promise<number> {
  const prepared = await prepareJob(document, { baseDir: process.cwd(), file: 'the command line' })
  const task = await taskOf(prepared)
  const end = await it.interruptible(
    (signal) => runInThread(it, task, signal),
    () => 'The program was ended.',
  )
  if (out !== undefined) {
    for (const [path, content] of end.outputs) {
      const target = safeJoin(out, path)
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, content)
    }
  }
  if (end.failure !== undefined) await it.note(`fog: ${end.says}`)
  if (it.json) {
    const { outputs, ...told } = end
    await it.show({ ...told, outputs: outputs.map(([path, content]) => ({ path, size: content.length })) }, () => '')
  }
  return programExitCode({ exitCode: end.exitCode, ...(end.failure !== undefined && { failure: end.failure }) })
}

async function taskOf({ submission, content }: PreparedJob): Promise<LocalTask> {
  const bytes = new Map<string, Uint8Array>()
  for (const { digest, open } of content)
    bytes.set(digest, new Uint8Array(await ((await open()) as Blob).arrayBuffer()))
  const found = programsOf(submission)
  assert('programs' in found && found.programs[0], 'the command line makes a job of one program')
  const { resources = {}, program, args = [], env = {}, inputs = [], stdin, tasks } = found.programs[0]
  const { memoryMiB, diskMiB, wallSeconds, cores } = { ...DEFAULTS, ...resources }
  return {
    program: bytes.get(program.digest)!,
    args: args.map((arg) => arg.replaceAll('{item}', tasks[0]?.item ?? '')),
    env,
    files: inputs.map(({ path, digest }) => [path, bytes.get(digest)!] as const),
    stdin: stdin === undefined ? undefined : bytes.get(stdin),
    memoryBytes: memoryMiB * MIB,
    diskBytes: diskMiB * MIB,
    fuelLimit: BigInt(resources.fuel ?? Math.floor(cores * wallSeconds * DEFAULTS.fuelPerCoreSecond)),
    wallMs: wallSeconds * 1000,
  }
}

interface LocalEnd {
  readonly exitCode: number | undefined
  readonly failure?: string
  readonly says?: string
  readonly fuel: string
  readonly peakMemoryBytes: number
  readonly outputs: readonly (readonly [path: string, content: Uint8Array])[]
  readonly stdout?: string
  readonly stderr?: string
}

/** On a thread of its own, which is the only way to end a program that does not end itself. */
async function runInThread(it: Invocation, task: LocalTask, signal: AbortSignal): Promise<LocalEnd> {
  const thread = new Worker(new URL('./local-thread.ts', import.meta.url), { workerData: task })
  const kept: Record<'stdout' | 'stderr', Uint8Array[]> = { stdout: [], stderr: [] }
  let writing: Promise<void> = Promise.resolve()
  const print = (stream: 'stdout' | 'stderr', bytes: Uint8Array) => {
    if (it.json) kept[stream].push(bytes)
    else writing = writing.then(() => it.terminal[stream].write(bytes))
  }
  const overtime = new AbortController()
  const timing = it.clock.sleep(task.wallMs, AbortSignal.any([overtime.signal, signal])).then(
    () => 'late' as const,
    () => 'never' as const,
  )
  try {
    const ended = new Promise<LocalEnd>((resolve, reject) => {
      thread.on('message', (message: LocalMessage) => {
        if (message.type === 'print') print(message.stream, message.bytes)
        else resolve(endOf(message))
      })
      thread.on('error', reject)
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    })
    const late = timing.then((when) => (when === 'late' ? TOO_LATE : ended))
    const end = await Promise.race([ended, late])
    await writing
    return it.json ? { ...end, stdout: textOf(kept.stdout), stderr: textOf(kept.stderr) } : end
  } finally {
    overtime.abort()
    await thread.terminate()
  }
}

function endOf({ type: _, ...end }: Extract<LocalMessage, { type: 'ended' }>): LocalEnd {
  return end
}

const TOO_LATE: LocalEnd = {
  exitCode: undefined,
  failure: 'wall_exceeded',
  says: 'The program ran longer than it was given; raise --wall, or split the work.',
  fuel: '0',
  peakMemoryBytes: 0,
  outputs: [],
}

function textOf(parts: readonly Uint8Array[]): string {
  return Buffer.concat(parts).toString('utf8')
}
