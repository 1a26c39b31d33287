import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, normalize, sep } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { BlobRef, TaskResultView } from '@fog/contract'
import type { Fog } from '../fog.ts'
import { SdkError } from '../sdk-error.ts'

/** Results fetched at the same time. */
const AT_ONCE = 4

export interface FetchProgress {
  readonly task: TaskResultView
  readonly folder: string
  readonly files: number
}

/**
 * Writes the accepted results of a job into a folder: one task's straight into it, those of many each into
 * `<index>-<item>/`, with `stdout.txt` and `stderr.txt` where the task printed anything. Every file is checked against its
 * hash, and none can lie outside the folder. Answers how many files were written.
 */
export async function fetchResults(
  fog: Fog,
  jobId: string,
  folder: string,
  onTask?: (progress: FetchProgress) => void,
): Promise<number> {
  const { tasks } = await fog.client.call('getJob', { params: { jobId } })
  const waiting = new Set<Promise<void>>()
  let written = 0
  for await (const task of fog.results(jobId)) {
    const target = tasks === 1 ? folder : join(folder, taskFolder(task))
    const work = fetchTask(fog, task, target).then((files) => {
      written += files
      onTask?.({ task, folder: target, files })
    })
    const slot = work.finally(() => waiting.delete(slot))
    waiting.add(slot)
    if (waiting.size >= AT_ONCE) await Promise.race(waiting)
  }
  await Promise.all(waiting)
  return written
}

/** The name of a task's folder: its index, and the part of its item that can be a file name. */
export function taskFolder({ index, item }: Pick<TaskResultView, 'index' | 'item'>): string {
  const name = basename(item)
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, '_')
    .replace(/^\.+/, '')
    .slice(0, 80)
  const number = String(index).padStart(4, '0')
  return name === '' ? number : `${number}-${name}`
}

async function fetchTask(fog: Fog, { outputs, stdout, stderr }: TaskResultView, folder: string): Promise<number> {
  const names = new Set(outputs.map(({ path }) => path))
  const files: { path: string; ref: BlobRef }[] = outputs.map((output) => ({ path: output.path, ref: output }))
  if (stdout.size > 0 && !names.has('stdout.txt')) files.push({ path: 'stdout.txt', ref: stdout })
  if (stderr.size > 0 && !names.has('stderr.txt')) files.push({ path: 'stderr.txt', ref: stderr })
  for (const { path, ref } of files) await fetchFile(fog, ref, safeJoin(folder, path))
  return files.length
}

async function fetchFile(fog: Fog, { digest }: BlobRef, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true })
  const draft = `${target}.part`
  const hash = createHash('sha256')
  const response = await fog.content(digest)
  const body = response.body
    ? Readable.fromWeb(response.body as import('node:stream/web').ReadableStream)
    : Readable.from([])
  const hashing = new Transform({
    transform(part: Buffer, _encoding, done) {
      hash.update(part)
      done(null, part)
    },
  })
  await pipeline(body, hashing, createWriteStream(draft))
  if (hash.digest('hex') !== digest) {
    await rm(draft, { force: true })
    throw new SdkError({ code: 'result.damaged', path: target })
  }
  await rename(draft, target)
}

/** The path inside the folder, or `result.unsafe_name`: a program's names are not to be trusted. */
export function safeJoin(folder: string, path: string): string {
  const clean = normalize(path)
  const escapes = isAbsolute(clean) || clean === '..' || clean.startsWith(`..${sep}`) || clean.includes('\0')
  if (escapes || clean === '.' || clean === '') throw new SdkError({ code: 'result.unsafe_name', path })
  return join(folder, clean)
}
