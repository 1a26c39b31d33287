import { access, constants, mkdtemp, rm, stat } from 'node:fs/promises'
import { createWriteStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import type { BlobRef, JobDocument, TaskDetailView } from '@fog/contract'
import { fromUtf8, toBase64Url } from '@fog/kernel'
import { type Fog, isOver } from '@fog/sdk'
import { fetchTask, prepareJob } from '@fog/sdk/node'
import { CliError } from '../cli-error.ts'
import { addCommand, type Runner } from '../command.ts'
import { addTaskOptions, documentOf, type TaskFlags } from '../documents/task-flags.ts'
import { EXIT, programExitCode, runExitCodeOf } from '../exit-code.ts'
import { comeBackText, explainDelay, submitShowing } from '../follow-job.ts'
import type { CommonFlags, Invocation } from '../invocation.ts'
import { gather, LiveOutput, type StreamName } from '../live-output.ts'
import { runLocally } from '../run-locally.ts'
import { hideIfSecret } from '../secret-jobs.ts'

interface RunFlags extends TaskFlags, CommonFlags {
  readonly out?: string
  readonly local?: boolean
}

const EXIT_CODES = `What the program prints comes out as it is, and its exit code is that of this command. Otherwise:
  124  it used up its time or its fuel        134  it trapped
  137  it wanted more memory than it had      153  it left more than it may
  125  the fog failed, or wrong usage         126  it was refused, or is not a program
  127  the program file is not there          130  you pressed Ctrl-C; the job goes on`

export function addRun(program: Command, runner: Runner): void {
  addTaskOptions(
    addCommand(program, {
      usage: 'run <program> [args...]',
      summary: 'Runs one WASI program on the fog as if it ran here',
      more: EXIT_CODES,
      examples: [
        ['fog run hello.wasm -- Ada', 'arguments of the program come after --'],
        ['fog run sort.wasm --stdin names.txt > sorted.txt', 'its output is only its own'],
        [
          'fog run scale.wasm --in photo.ppm --out . -- 50',
          'it finds /in/photo.ppm; what it writes to /out comes here',
        ],
        ['fog run crunch.wasm --memory 1GiB --wall 10m', 'what it may use'],
        ['fog run hello.wasm --local', 'in this process, without a fog: the same sandbox and the same limits'],
      ],
    }),
  )
    .option('--out <folder>', 'where to put the files it leaves')
    .option('--local', 'run it in this process, without a fog')
    .action((file: string, args: string[], flags: RunFlags) =>
      runner.run(flags, (it) => runOne(it, file, args, flags), runExitCodeOf),
    )
}

async function runOne(it: Invocation, file: string, args: readonly string[], flags: RunFlags): Promise<number> {
  await refuseMissing(file)
  return withStdin(it, flags.stdin, async (stdin) => {
    const document = documentOf({ program: file, args }, stdin === undefined ? flags : { ...flags, stdin })
    return flags.local ? runLocally(it, document, flags) : runOnFog(it, document, flags)
  })
}

async function refuseMissing(file: string): Promise<void> {
  const facts = await stat(file).catch(() => undefined)
  const why = facts === undefined ? 'there is no such file' : facts.isFile() ? undefined : 'it is no file'
  if (why !== undefined) throw new CliError({ code: 'cli.program_missing', file, why })
  await access(file, constants.R_OK).catch(() => {
    throw new CliError({ code: 'cli.program_missing', file, why: 'you may not read it' })
  })
}

/** `-` is this command's own standard input, kept in a file for the time being. */
async function withStdin<Answer>(
  it: Invocation,
  stdin: string | undefined,
  work: (file: string | undefined) => Promise<Answer>,
): Promise<Answer> {
  if (stdin !== '-') return work(stdin)
  const folder = await mkdtemp(join(tmpdir(), 'fog-stdin-'))
  try {
    const file = join(folder, 'stdin')
    await pipeline(it.terminal.stdin, createWriteStream(file))
    return await work(file)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function runOnFog(it: Invocation, document: JobDocument, { out }: RunFlags): Promise<number> {
  const prepared = await prepareJob(document, { baseDir: process.cwd(), file: 'the command line' })
  await hideIfSecret(it, prepared)
  const fog = await it.fog()
  const job = await submitShowing(it, fog, prepared)
  const output = new LiveOutput({
    stdout: (bytes) => it.terminal.stdout.write(bytes),
    stderr: (bytes) => it.terminal.stderr.write(bytes),
  })
  const detail = await it.interruptible(
    (signal) => follow(it, fog, job.jobId, it.json ? undefined : output, signal),
    () => comeBackText(job.jobId, job.name),
  )
  const { result, task } = detail
  if (result && out !== undefined) await fetchTask(fog, { ...result, stdout: NOTHING, stderr: NOTHING }, out)
  if (it.json) await it.show(await resultDocument(fog, detail), () => '')
  else if (result) await complete(fog, output, result, job.jobId)
  const { failure } = task
  if (failure && failure.reason !== 'exit_nonzero') await it.note(`fog: ${failure.sentence}`)
  if (task.status === 'cancelled') await it.note('fog: The job was cancelled.')
  if (task.status === 'cancelled') return EXIT.runFailed
  return programExitCode({ exitCode: result?.exitCode, ...(failure && { failure: failure.reason }) })
}

const NOTHING: BlobRef = { digest: '', size: 0 }
/** Shows the log until the task is over, and answers how it ended. */
async function follow(
  it: Invocation,
  fog: Fog,
  jobId: string,
  output: LiveOutput | undefined,
  signal: AbortSignal,
): Promise<TaskDetailView> {
  const { taskId } = (await fog.taskAt(jobId, 0))!
  const done = new AbortController()
  const explaining = explainDelay(it, fog, { jobId, signal: AbortSignal.any([signal, done.signal]) })
  try {
    for await (const chunk of fog.logs(taskId, { follow: true, signal })) await output?.take(chunk)
    for await (const detail of fog.watch({ jobId, signal }, () => fog.client.call('getTask', { params: { taskId } }))) {
      if (isOver(detail.task)) return detail
    }
  } finally {
    done.abort()
    await explaining
  }
  throw new Error('a watch ends only with its signal')
}

async function complete(fog: Fog, output: LiveOutput, result: NonNullable<TaskDetailView['result']>, jobId: string) {
  for (const stream of ['stdout', 'stderr'] as const) {
    const isWhole = await output.complete(stream, contentOf(fog, result[stream]))
    if (!isWhole) throw new CliError({ code: 'cli.output_differs', jobId })
  }
}

async function* contentOf(fog: Fog, { digest, size }: BlobRef): AsyncGenerator<Uint8Array> {
  if (size === 0) return
  const { body } = await fog.content(digest)
  if (body) yield* body
}

/** In one document, what the program printed may be this much of each stream. */
const MOST_JSON_BYTES = 64 * 1024 * 1024

async function resultDocument(fog: Fog, { task, attempts, result }: TaskDetailView) {
  const accepted = attempts.find((attempt) => attempt.accepted)
  return {
    jobId: task.jobId,
    taskId: task.taskId,
    status: task.status,
    ...(result && { exitCode: result.exitCode, outputs: result.outputs }),
    ...(result && (await printed(fog, 'stdout', result.stdout))),
    ...(result && (await printed(fog, 'stderr', result.stderr))),
    ...(task.failure && { failure: task.failure }),
    ...(accepted && {
      nodeName: accepted.nodeName,
      fuel: accepted.fuel,
      cpuMs: accepted.cpuMs,
      wallMs: accepted.wallMs,
    }),
  }
}

/** As text where it is UTF-8, else as base64url under another name. */
async function printed(fog: Fog, name: StreamName, ref: BlobRef): Promise<Record<string, string>> {
  const bytes = await gather(contentOf(fog, ref), MOST_JSON_BYTES)
  if (!bytes) return { [`${name}Digest`]: ref.digest }
  try {
    return { [name]: fromUtf8(bytes) }
  } catch {
    return { [`${name}Base64`]: toBase64Url(bytes) }
  }
}
