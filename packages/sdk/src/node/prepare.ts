import { createReadStream, openAsBlob } from 'node:fs'
import { glob, readFile, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { type JobDocument, type JobSubmission, MAX_TASKS, type TaskSubmission } from '@fog/contract'
import { toHex } from '@fog/kernel'
import { sha256Stream } from '@fog/kernel/node'
import { parseJobDocument } from '../job-document.ts'
import type { Content, PreparedJob } from '../fog.ts'
import { SdkError } from '../sdk-error.ts'

/** Reads a job document and every file it names. Throws an `SdkError` that says which field to mend. */
export async function prepareJobFile(file: string): Promise<PreparedJob> {
  const text = await readFile(file, 'utf8').catch((fault: NodeJS.ErrnoException) => {
    throw new SdkError({ code: 'document.not_readable', file, why: whyOf(fault) })
  })
  return prepareJob(parseJobDocument(text, file), { baseDir: dirname(resolve(file)), file })
}

/** Finds and hashes the files of a document; its paths are relative to `baseDir`. */
export async function prepareJob(
  document: JobDocument,
  { baseDir, file = 'the job document' }: { readonly baseDir: string; readonly file?: string },
): Promise<PreparedJob> {
  const files = new Files(baseDir, file)
  const { program, each, inputs, stdin, ...common } = document
  const shared = await Promise.all(
    Object.entries(inputs ?? {}).map(async ([path, local]) => ({
      path,
      digest: await files.add(local, `inputs.${path}`),
    })),
  )
  const submission: JobSubmission = {
    ...common,
    program: { kind: program.kind, digest: await files.add(program.file, 'program.file') },
    ...(inputs ? { inputs: shared } : {}),
    ...(stdin === undefined ? {} : { stdin: await files.add(stdin, 'stdin') }),
    tasks: await tasksOf(each, files, { baseDir, file, taken: new Set(shared.map(({ path }) => path)) }),
  }
  return { submission, content: files.content() }
}

type Each = NonNullable<JobDocument['each']>
interface Place {
  readonly baseDir: string
  readonly file: string
  readonly taken: ReadonlySet<string>
}

async function tasksOf(each: Each | undefined, files: Files, place: Place): Promise<TaskSubmission[]> {
  if (!each) return [{ item: '' }]
  if ('values' in each) return each.values.map((value) => ({ item: String(value) }))
  if ('range' in each) return rangeTasks(each.range[0], each.range[1], place.file)
  return globTasks(each.glob, files, place)
}

function rangeTasks(from: number, to: number, file: string): TaskSubmission[] {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to)) {
    throw new SdkError({
      code: 'document.field_invalid',
      file,
      field: 'each.range',
      why: 'has a number that is too large',
    })
  }
  if (to <= from) throw new SdkError({ code: 'document.range_empty', file, from, to })
  refuseTooMany(to - from, file)
  return Array.from({ length: to - from }, (_, i) => ({ item: String(from + i) }))
}

/** A task a file, in the order of names; it sees the file at `/in/<base name>`, and `{item}` is that path. */
async function globTasks(pattern: string, files: Files, { baseDir, file, taken }: Place): Promise<TaskSubmission[]> {
  const found: string[] = []
  for await (const entry of glob(pattern, { cwd: baseDir })) {
    const local = resolve(baseDir, entry)
    if (await isFile(local)) found.push(local)
    refuseTooMany(found.length, file)
  }
  if (found.length === 0) throw new SdkError({ code: 'document.no_match', file, glob: pattern })
  const tasks: TaskSubmission[] = []
  for (const local of found.sort()) {
    const item = `/in/${basename(local)}`
    if (taken.has(item)) throw new SdkError({ code: 'document.name_repeated', file, name: item })
    tasks.push({ item, inputs: [{ path: item, digest: await files.add(local, 'each.glob') }] })
  }
  return tasks
}

function refuseTooMany(tasks: number, file: string): void {
  if (tasks > MAX_TASKS) throw new SdkError({ code: 'document.too_many_tasks', file, tasks, limit: MAX_TASKS })
}

/** Files by content: each is read once for its hash, and again only when it must be uploaded. */
class Files {
  readonly #baseDir: string
  readonly #document: string
  readonly #digests = new Map<string, Promise<string>>()
  readonly #content = new Map<string, Content>()

  constructor(baseDir: string, document: string) {
    this.#baseDir = baseDir
    this.#document = document
  }

  add(path: string, field: string): Promise<string> {
    const local = resolve(this.#baseDir, path)
    const known = this.#digests.get(local)
    if (known) return known
    const digest = this.#hash(local, path, field)
    this.#digests.set(local, digest)
    return digest
  }

  content(): Content[] {
    return [...this.#content.values()]
  }

  async #hash(local: string, path: string, field: string): Promise<string> {
    const file = this.#document
    try {
      const { digest, size } = await hashFile(local)
      this.#content.set(digest, { digest, size, open: () => openAsBlob(local) })
      return digest
    } catch (fault) {
      const why = whyOf(fault as NodeJS.ErrnoException)
      throw new SdkError({ code: 'document.file_missing', file, field, path, why }, { cause: fault })
    }
  }
}

async function hashFile(local: string): Promise<{ digest: string; size: number }> {
  const hash = sha256Stream()
  let size = 0
  for await (const part of createReadStream(local) as AsyncIterable<Buffer>) {
    hash.update(part)
    size += part.length
  }
  return { digest: toHex(hash.digest()), size }
}

/** Links are followed: what lies behind is what the task sees. */
async function isFile(local: string): Promise<boolean> {
  const facts = await stat(local).catch(() => undefined)
  return facts?.isFile() ?? false
}

function whyOf(fault: NodeJS.ErrnoException): string {
  if (fault.code === 'ENOENT') return 'there is no such file'
  if (fault.code === 'EACCES') return 'you may not read it'
  return fault.code === 'EISDIR' ? 'it is a folder' : fault.message
}
