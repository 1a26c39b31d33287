import { type Static, Type } from 'typebox'
import { MAX_STEPS } from './job-steps.ts'
import { Digest, Labels, Name, Privacy, Routing, strict, Tier } from './schemas.ts'

/**
 * The job document, one schema for CLI, API, SDK and console. People write files and globs (`JobDocument`); the client
 * uploads the files and sends their hashes (`JobSubmission`).
 */

const InPath = Type.String({
  pattern: '^/in(/(?!\\.\\.?(/|$))[^/\\u0000]+)+$',
  maxLength: 512,
  description: 'Where a task sees the file: absolute, under /in',
})

const FOLDER_OR_FILE = Type.String({
  pattern: '^/in(/(?!\\.\\.?(/|$))[^/\\u0000]+)+/?$',
  maxLength: 512,
  description: 'Where a task sees the file, or the folder when it ends in /',
})

export const ResourcesDocument = strict({
  cores: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1024, default: 1 })),
  memoryMiB: Type.Optional(Type.Integer({ minimum: 1, maximum: 4096, default: 128 })),
  diskMiB: Type.Optional(Type.Integer({ minimum: 1, maximum: 65536, default: 256 })),
  wallSeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 86_400, default: 60 })),
  fuel: Type.Optional(
    Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'Most instructions a task may run' }),
  ),
  outputMiB: Type.Optional(Type.Integer({ minimum: 1, maximum: 4096, default: 64 })),
})

export const Verify = Type.Union(
  [Type.Literal('auto'), Type.Literal('none'), strict({ quorum: Type.Integer({ minimum: 2, maximum: 5 }) })],
  { description: 'How results are checked: `auto` as the tier says, `none`, or so many agreeing results' },
)

/** What each program has of its own. */
const ofProgram = {
  args: Type.Optional(Type.Array(Type.String({ maxLength: 4096 }), { maxItems: 256 })),
  env: Type.Optional(
    Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,127}$' }), Type.String({ maxLength: 4096 }), {
      maxProperties: 64,
      additionalProperties: false,
    }),
  ),
  resources: Type.Optional(ResourcesDocument),
}

const RetriedFailure = Type.Union([
  Type.Literal('exit_nonzero'),
  Type.Literal('trapped'),
  Type.Literal('fuel_exhausted'),
  Type.Literal('memory_exceeded'),
  Type.Literal('wall_exceeded'),
])

const common = {
  name: Name,
  ...ofProgram,
  tier: Type.Optional(Tier),
  privacy: Type.Optional(Privacy),
  routing: Type.Optional(Routing),
  budget: Type.Optional(
    Type.Union([Type.Number({ exclusiveMinimum: 0 }), Type.String({ pattern: '^\\d{1,15}(\\.\\d{1,6})?$' })], {
      description: 'Tokens the job may cost at most',
    }),
  ),
  verify: Type.Optional(Verify),
  retries: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 20,
      default: 4,
      description: 'How often a task whose node is lost runs again',
    }),
  ),
  retryOn: Type.Optional(
    Type.Array(RetriedFailure, {
      maxItems: 5,
      uniqueItems: true,
      description: 'Failures of the program itself after which a task runs again, elsewhere; none unless named',
    }),
  ),
  require: Type.Optional(Labels),
  avoid: Type.Optional(Labels),
  prefer: Type.Optional(Labels),
  residency: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
      minItems: 1,
      maxItems: 32,
      uniqueItems: true,
      description: "Where the data may be: one of these is the node's label residency, or else region",
    }),
  ),
  apart: Type.Optional(
    Type.Union([Type.Literal('node'), Type.Literal('owner'), Type.Literal('domain')], {
      description: 'What no two tasks share while they run; a domain is what the label domain says, else the owner',
    }),
  ),
  together: Type.Optional(
    Type.Union([Type.Literal('node'), Type.Literal('domain')], {
      description: 'What all tasks share while they run',
    }),
  ),
  gang: Type.Optional(Type.Boolean({ description: 'Whether all tasks that are wanted start at once, or none' })),
  priority: Type.Optional(
    Type.Integer({
      minimum: -100,
      maximum: 100,
      default: 0,
      description: 'Among your own jobs of the same tier: higher goes first',
    }),
  ),
  deadline: Type.Optional(
    Type.String({
      pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,9})?)?(Z|[+-]\\d\\d:\\d\\d)$',
      description: 'What has not ended by then is stopped: 2026-12-01T12:00Z',
    }),
  ),
  within: Type.Optional(
    Type.String({
      pattern: '^(?=.)(\\d{1,4}d)?(\\d{1,5}h)?(\\d{1,6}m)?(\\d{1,7}s)?$',
      description: 'The deadline as a time from submission: 2h, 1d12h, 90m',
    }),
  ),
}

const FilePath = Type.String({ minLength: 1, maxLength: 1024 })

const EachDocument = Type.Union([
  strict({ glob: Type.String({ minLength: 1, maxLength: 1024 }) }),
  strict({ range: Type.Tuple([Type.Integer(), Type.Integer()]) }),
  strict({
    values: Type.Array(Type.Union([Type.String({ maxLength: 1024 }), Type.Number()]), {
      minItems: 1,
      maxItems: 100_000,
    }),
  }),
  strict({ lines: FilePath }),
  strict({
    matrix: Type.Record(
      Type.String({ pattern: '^(?!(item|index)$)[A-Za-z_][A-Za-z0-9_]{0,31}$' }),
      Type.Array(Type.Union([Type.String({ minLength: 1, maxLength: 256, pattern: '^[^,]*$' }), Type.Number()]), {
        minItems: 1,
        maxItems: 10_000,
      }),
      { minProperties: 1, maxProperties: 8, additionalProperties: false },
    ),
  }),
])

const StepName = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$' })
const OutputPath = Type.String({ minLength: 1, maxLength: 1024, pattern: '^[^/\\u0000][^\\u0000]*$' })
const After = Type.Array(StepName, { maxItems: MAX_STEPS, uniqueItems: true })
const Program = strict({ kind: Type.Literal('wasm'), file: FilePath })

/** An input that another step makes: one of its outputs, or all of them for a folder. */
export const FromStep = strict({ from: StepName, path: Type.Optional(OutputPath) })

export const StepDocument = strict({
  name: StepName,
  program: Program,
  ...ofProgram,
  each: Type.Optional(EachDocument),
  inputs: Type.Optional(
    Type.Record(FOLDER_OR_FILE, Type.Union([FilePath, FromStep]), { maxProperties: 256, additionalProperties: false }),
  ),
  stdin: Type.Optional(FilePath),
  after: Type.Optional(After),
})
export type StepDocument = Static<typeof StepDocument>

/** What a person writes, as YAML or JSON: one program, or steps. Paths are relative to the document. */
export const JobDocument = strict({
  ...common,
  program: Type.Optional(Program),
  each: Type.Optional(EachDocument),
  inputs: Type.Optional(Type.Record(InPath, FilePath, { maxProperties: 256, additionalProperties: false })),
  stdin: Type.Optional(FilePath),
  steps: Type.Optional(Type.Array(StepDocument, { minItems: 1, maxItems: MAX_STEPS })),
})
export type JobDocument = Static<typeof JobDocument>

const InputRef = strict({ path: InPath, digest: Digest })

/** One task: what fills `{item}`, and the inputs only it has. */
export const TaskSubmission = strict({
  item: Type.String({ maxLength: 1024 }),
  inputs: Type.Optional(Type.Array(InputRef, { maxItems: 64 })),
})
export type TaskSubmission = Static<typeof TaskSubmission>

/** Of a job, over all of its steps. */
export const MAX_TASKS = 100_000

/** A program with every file replaced by its hash, and its tasks. */
const submitted = {
  program: strict({ kind: Type.Literal('wasm'), digest: Digest }),
  ...ofProgram,
  placeholders: Type.Optional(
    Type.Array(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,31}$' }), {
      maxItems: 8,
      uniqueItems: true,
      description: 'Names for the parts of each item, which stand between commas',
    }),
  ),
  inputs: Type.Optional(Type.Array(InputRef, { maxItems: 256 })),
  stdin: Type.Optional(Digest),
  tasks: Type.Array(TaskSubmission, { minItems: 1, maxItems: MAX_TASKS }),
}

export const StepSubmission = strict({
  name: StepName,
  ...submitted,
  given: Type.Optional(
    Type.Array(strict({ path: FOLDER_OR_FILE, from: StepName, output: Type.Optional(OutputPath) }), {
      maxItems: 256,
      description: 'Inputs that other steps make',
    }),
  ),
  after: Type.Optional(After),
})
export type StepSubmission = Static<typeof StepSubmission>

/** What crosses to the control plane: one program with its tasks, or steps. */
export const JobSubmission = strict({
  ...common,
  ...submitted,
  program: Type.Optional(submitted.program),
  tasks: Type.Optional(submitted.tasks),
  steps: Type.Optional(Type.Array(StepSubmission, { minItems: 1, maxItems: MAX_STEPS })),
})
export type JobSubmission = Static<typeof JobSubmission>

/** The programs of a submission: its steps, or the one there is. Answers what is wrong when there is neither or both. */
export function programsOf(
  submission: JobSubmission,
): { readonly programs: readonly StepSubmission[] } | { readonly field: string; readonly why: string } {
  const { steps, program, tasks, args, env, resources, placeholders, inputs, stdin } = submission
  const own = { program, tasks, args, env, resources, placeholders, inputs, stdin }
  if (steps) {
    const [extra] = Object.entries(own).flatMap(([field, value]) => (value === undefined ? [] : [field]))
    return extra === undefined
      ? { programs: steps }
      : { field: extra, why: 'stands beside steps; write it into each step that needs it' }
  }
  if (!program) return { field: 'the document', why: 'lacks the field program, or steps' }
  if (!tasks) return { field: 'the document', why: 'lacks the field tasks' }
  const given = Object.entries(own).filter(([, value]) => value !== undefined)
  // Its fields are those of the submission, which were checked.
  return { programs: [{ name: '', ...Object.fromEntries(given) } as StepSubmission] }
}
