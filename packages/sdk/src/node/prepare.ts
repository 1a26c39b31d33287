import { createReadStream, openAsBlob } from 'node:fs'
import { glob, readFile, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import {
  arrangeSteps,
  type JobDocument,
  MAX_TASKS,
  type StepDocument,
  type StepSubmission,
  type TaskSubmission,
} from '@fog/contract'
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
  const { program, each, inputs, stdin, args, env, resources, steps, ...common } = document
  const own = { program, each, inputs, stdin, args, env, resources }
  const place = { baseDir, file }
  if (!steps) {
    if (!program) throw invalid(file, 'the document', 'lacks the field program, or steps')
    const submission = { ...common, ...(await prepareProgram({ ...own, program }, files, place, '')) }
    return { submission, content: files.content() }
  }
  const extra = Object.entries(own).find(([, value]) => value !== undefined)?.[0]
  if (extra !== undefined) throw invalid(file, extra, 'stands beside steps; write it into each step that needs it')
  const prepared: StepSubmission[] = []
  for (const [at, step] of steps.entries()) prepared.push(await prepareStep(step, files, place, `steps.${at}.`))
  refuseTooMany(
    prepared.reduce((sum, { tasks }) => sum + tasks.length, 0),
    file,
  )
  refuseTangled(prepared, file)
  return { submission: { ...common, steps: prepared }, content: files.content() }
}

type Each = NonNullable<JobDocument['each']>
interface Place {
  readonly baseDir: string
  readonly file: string
}

type ProgramDocument = Omit<StepDocument, 'name' | 'after' | 'inputs'> & { readonly inputs?: JobDocument['inputs'] }
type Optional<Fields> = { readonly [K in keyof Fields]: Fields[K] | undefined }

async function prepareProgram(
  { program, each, inputs, stdin, args, env, resources }: Optional<ProgramDocument> & Pick<ProgramDocument, 'program'>,
  files: Files,
  place: Place,
  at: string,
): Promise<Omit<StepSubmission, 'name'>> {
  const shared = await Promise.all(
    Object.entries(inputs ?? {}).map(async ([path, local]) => ({
      path,
      digest: await files.add(local, `${at}inputs.${path}`),
    })),
  )
  const taken = new Set(shared.map(({ path }) => path))
  return {
    program: { kind: program.kind, digest: await files.add(program.file, `${at}program.file`) },
    ...(args && { args }),
    ...(env && { env }),
    ...(resources && { resources }),
    ...(each && 'matrix' in each && { placeholders: Object.keys(each.matrix) }),
    ...(inputs && shared.length > 0 && { inputs: shared }),
    ...(stdin !== undefined && { stdin: await files.add(stdin, `${at}stdin`) }),
    tasks: await tasksOf(each, files, { ...place, taken, at }),
  }
}

async function prepareStep(step: StepDocument, files: Files, place: Place, at: string): Promise<StepSubmission> {
  const { name, inputs = {}, after, ...program } = step
  const local: Record<string, string> = {}
  const given: NonNullable<StepSubmission['given']> = []
  for (const [path, source] of Object.entries(inputs)) {
    if (typeof source !== 'string') {
      given.push({ path, from: source.from, ...(source.path !== undefined && { output: source.path }) })
    } else if (path.endsWith('/')) {
      throw invalid(place.file, `${at}inputs.${path}`, 'is a folder, which only another step can fill: { from: split }')
    } else local[path] = source
  }
  const own = { ...ABSENT, ...program, ...(Object.keys(local).length > 0 && { inputs: local }) }
  return {
    name,
    ...(await prepareProgram(own, files, place, at)),
    ...(given.length > 0 && { given }),
    ...(after && { after }),
  }
}

const ABSENT = {
  each: undefined,
  inputs: undefined,
  stdin: undefined,
  args: undefined,
  env: undefined,
  resources: undefined,
}

/** Circles, unknown names and inputs that cannot be meant are said before anything is sent. */
function refuseTangled(steps: readonly StepSubmission[], file: string): void {
  const arranged = arrangeSteps(
    steps.map(({ name, after = [], inputs = [], given = [], tasks }) => ({
      name,
      after,
      inputs: inputs.map(({ path }) => path),
      given,
      items: tasks.map(({ item }) => item),
    })),
  )
  if (!arranged.ok) throw invalid(file, arranged.field, arranged.why)
}

function invalid(file: string, field: string, why: string): SdkError {
  return new SdkError({ code: 'document.field_invalid', file, field, why })
}

interface EachPlace extends Place {
  /** Paths of inputs that every task has. */
  readonly taken: ReadonlySet<string>
  /** Where in the document, as `steps.1.`. */
  readonly at: string
}

async function tasksOf(each: Each | undefined, files: Files, place: EachPlace): Promise<TaskSubmission[]> {
  if (!each) return [{ item: '' }]
  if ('values' in each) return each.values.map((value) => ({ item: String(value) }))
  if ('range' in each) return rangeTasks(each.range[0], each.range[1], place)
  if ('lines' in each) return lineTasks(each.lines, files, place)
  if ('matrix' in each) return matrixTasks(each.matrix, place)
  return globTasks(each.glob, files, place)
}

function rangeTasks(from: number, to: number, { file, at }: EachPlace): TaskSubmission[] {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to)) {
    throw invalid(file, `${at}each.range`, 'has a number that is too large')
  }
  if (to <= from) throw new SdkError({ code: 'document.range_empty', file, from, to })
  refuseTooMany(to - from, file)
  return Array.from({ length: to - from }, (_, i) => ({ item: String(from + i) }))
}

/** Longer than any item may be in UTF-16 units, and a file of so many of them is none of lines. */
const MOST_ITEM_CHARACTERS = 1024

/** A task a line; empty lines are passed over. The file itself is not sent. */
async function lineTasks(path: string, files: Files, { file, at }: EachPlace): Promise<TaskSubmission[]> {
  const tasks: TaskSubmission[] = []
  let number = 0
  for await (const line of files.lines(path, `${at}each.lines`)) {
    number += 1
    if (line.trim() === '') continue
    if (line.length > MOST_ITEM_CHARACTERS) {
      const why = `has ${line.length} characters in line ${number} of ${path}; an item has ${MOST_ITEM_CHARACTERS} at most`
      throw invalid(file, `${at}each.lines`, why)
    }
    tasks.push({ item: line })
    refuseTooMany(tasks.length, file)
  }
  if (tasks.length === 0) throw invalid(file, `${at}each.lines`, `names ${path}, which has no line with anything in it`)
  return tasks
}

/** Every combination, the last name counting fastest; an item is its parts with commas between. */
function matrixTasks(
  matrix: Readonly<Record<string, readonly (string | number)[]>>,
  { file }: EachPlace,
): TaskSubmission[] {
  const axes = Object.values(matrix)
  refuseTooMany(
    axes.reduce((product, values) => product * values.length, 1),
    file,
  )
  const items = axes.reduce<string[]>(
    (parts, values) =>
      parts.flatMap((part) => values.map((value) => (part === '' ? String(value) : `${part},${value}`))),
    [''],
  )
  return items.map((item) => ({ item }))
}

/** A task a file, in the order of names; it sees the file at `/in/<base name>`, and `{item}` is that path. */
async function globTasks(
  pattern: string,
  files: Files,
  { baseDir, file, taken, at }: EachPlace,
): Promise<TaskSubmission[]> {
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
    tasks.push({ item, inputs: [{ path: item, digest: await files.add(local, `${at}each.glob`) }] })
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

  /** The lines of a file that is not sent. */
  async *lines(path: string, field: string): AsyncGenerator<string> {
    const input = createReadStream(resolve(this.#baseDir, path), 'utf8')
    try {
      yield* createInterface({ input, crlfDelay: Infinity })
    } catch (fault) {
      const [file, why] = [this.#document, whyOf(fault as NodeJS.ErrnoException)]
      throw new SdkError({ code: 'document.file_missing', file, field, path, why }, { cause: fault })
    } finally {
      input.destroy()
    }
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
