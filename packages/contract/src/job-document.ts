import { type Static, Type } from 'typebox'
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

const common = {
  name: Name,
  args: Type.Optional(Type.Array(Type.String({ maxLength: 4096 }), { maxItems: 256 })),
  env: Type.Optional(
    Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,127}$' }), Type.String({ maxLength: 4096 }), {
      maxProperties: 64,
      additionalProperties: false,
    }),
  ),
  resources: Type.Optional(ResourcesDocument),
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
  require: Type.Optional(Labels),
}

const FilePath = Type.String({ minLength: 1, maxLength: 1024 })

/** What a person writes, as YAML or JSON. Paths are relative to the document. */
export const JobDocument = strict({
  ...common,
  program: strict({ kind: Type.Literal('wasm'), file: FilePath }),
  each: Type.Optional(
    Type.Union([
      strict({ glob: Type.String({ minLength: 1, maxLength: 1024 }) }),
      strict({ range: Type.Tuple([Type.Integer(), Type.Integer()]) }),
      strict({
        values: Type.Array(Type.Union([Type.String({ maxLength: 1024 }), Type.Number()]), {
          minItems: 1,
          maxItems: 100_000,
        }),
      }),
    ]),
  ),
  inputs: Type.Optional(Type.Record(InPath, FilePath, { maxProperties: 256, additionalProperties: false })),
  stdin: Type.Optional(FilePath),
})
export type JobDocument = Static<typeof JobDocument>

const InputRef = strict({ path: InPath, digest: Digest })

/** One task: what fills `{item}`, and the inputs only it has. */
export const TaskSubmission = strict({
  item: Type.String({ maxLength: 1024 }),
  inputs: Type.Optional(Type.Array(InputRef, { maxItems: 64 })),
})
export type TaskSubmission = Static<typeof TaskSubmission>

export const MAX_TASKS = 100_000

/** What crosses to the control plane: the document with every file replaced by its hash. */
export const JobSubmission = strict({
  ...common,
  program: strict({ kind: Type.Literal('wasm'), digest: Digest }),
  inputs: Type.Optional(Type.Array(InputRef, { maxItems: 256 })),
  stdin: Type.Optional(Digest),
  tasks: Type.Array(TaskSubmission, { minItems: 1, maxItems: MAX_TASKS }),
})
export type JobSubmission = Static<typeof JobSubmission>
