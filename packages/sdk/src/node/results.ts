import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, normalize, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { BlobRef, TaskResultView } from '@fog/contract'
import { toHex } from '@fog/kernel'
import { sha256Stream } from '@fog/kernel/node'
import { forEachAtOnce } from '../at-once.ts'
import type { Fog } from '../fog.ts'
import { SdkError } from '../sdk-error.ts'

/** Results fetched at the same time. */
const AT_ONCE = 8

export interface FetchProgress {
  readonly task: TaskResultView
  readonly folder: string
  readonly files: number
}

/** What a task left, as files can be made of it. */
export type TaskFiles = Pick<TaskResultView, 'outputs' | 'stdout' | 'stderr'>

/**
 * Writes the accepted results of a job into a folder: one task's straight into it, those of many each into
 * `<index>-<item>/`, of several steps each into `<step>/`, with `stdout.txt` and `stderr.txt` where the task printed anything. Every file is checked against its
 * hash and appears whole or not at all, and none can lie outside the folder. Answers how many files were written.
 */
export async function fetchResults(
  fog: Fog,
  jobId: string,
  folder: string,
  onTask?: (progress: FetchProgress) => void,
): Promise<number> {
  const { tasks } = await fog.client.call('getJob', { params: { jobId } })
  let written = 0
  await withDrafts(folder, (drafts) =>
    forEachAtOnce(fog.results(jobId), AT_ONCE, async (task) => {
      const target = tasks === 1 ? folder : join(folder, taskFolder(task))
      const files = await fetchInto(fog, task, target, drafts)
      written += files
      onTask?.({ task, folder: target, files })
    }),
  )
  return written
}

/** Writes what one task left into a folder, under the same promises. Answers how many files were written. */
export async function fetchTask(fog: Fog, task: TaskFiles, folder: string): Promise<number> {
  return withDrafts(folder, (drafts) => fetchInto(fog, task, folder, drafts))
}

/**
 * The name of a task's folder: its index, and the part of its item that can be a file name. In a job of several steps it lies
 * in the folder of its step, and the only task of a step is that folder itself.
 */
export function taskFolder({ index, item, step }: Pick<TaskResultView, 'index' | 'item' | 'step'>): string {
  if (!step) return itemFolder(index, item)
  return step.tasks === 1 ? step.name : join(step.name, itemFolder(step.index, item))
}

function itemFolder(index: number, item: string): string {
  const name = basename(item)
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, '_')
    .replace(/^\.+/, '')
    .slice(0, 80)
  const number = String(index).padStart(4, '0')
  return name === '' ? number : `${number}-${name}`
}

/** Where files grow until they are whole: a folder of its own in the same file system, so that no result can meet a draft. */
class Drafts {
  readonly #folder: string
  #count = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  next(): string {
    this.#count += 1
    return join(this.#folder, String(this.#count))
  }
}

async function withDrafts<Answer>(folder: string, work: (drafts: Drafts) => Promise<Answer>): Promise<Answer> {
  await mkdir(folder, { recursive: true })
  const drafts = await mkdtemp(join(folder, '.fog-'))
  try {
    return await work(new Drafts(drafts))
  } finally {
    await rm(drafts, { recursive: true, force: true })
  }
}

async function fetchInto(fog: Fog, task: TaskFiles, folder: string, drafts: Drafts): Promise<number> {
  const files = filesOf(task)
  for (const { path, ref } of files) await fetchFile(fog, ref, safeJoin(folder, path), drafts.next())
  return files.length
}

function filesOf({ outputs, stdout, stderr }: TaskFiles): { path: string; ref: BlobRef }[] {
  const taken = new Set(outputs.map(({ path }) => path))
  const printed = [
    { name: 'stdout.txt', ref: stdout },
    { name: 'stderr.txt', ref: stderr },
  ].filter(({ ref }) => ref.size > 0)
  return [
    ...outputs.map((output) => ({ path: output.path, ref: output })),
    ...printed.map(({ name, ref }) => ({ path: freeName(name, taken), ref })),
  ]
}

/** A program may have a result of that name itself, and that one keeps it. */
function freeName(name: string, taken: ReadonlySet<string>): string {
  return taken.has(name) ? freeName(`_${name}`, taken) : name
}

async function fetchFile(fog: Fog, { digest }: BlobRef, target: string, draft: string): Promise<void> {
  const hash = sha256Stream()
  const { body } = await fog.content(digest)
  const hashed = async function* () {
    if (!body) return
    for await (const part of body) {
      hash.update(part)
      yield part
    }
  }
  await pipeline(hashed, createWriteStream(draft))
  if (toHex(hash.digest()) !== digest) throw new SdkError({ code: 'result.damaged', path: target })
  await mkdir(dirname(target), { recursive: true })
  await rename(draft, target)
}

/** The path inside the folder, or `result.unsafe_name`: a program's names are not to be trusted. */
export function safeJoin(folder: string, path: string): string {
  const clean = normalize(path)
  const escapes = isAbsolute(clean) || clean === '..' || clean.startsWith(`..${sep}`) || clean.includes('\0')
  if (escapes || clean === '.' || clean === '' || clean.endsWith(sep)) {
    throw new SdkError({ code: 'result.unsafe_name', path })
  }
  return join(folder, clean)
}
