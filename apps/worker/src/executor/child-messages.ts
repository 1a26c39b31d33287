import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { Bytes, Fuel, MAX_STATE_FILES, strict } from '@fog/contract'
import type { FromChild } from './protocol.ts'

const Detail = Type.String({ maxLength: 4000 })
const ExitCode = Type.Integer({ minimum: -2_147_483_648, maximum: 4_294_967_295 })
const Version = Type.Integer({ minimum: 0 })
const Milliseconds = Type.Number({ minimum: 0 })

const Ending = Type.Union([
  strict({ status: Type.Literal('exited'), exitCode: ExitCode }),
  strict({ status: Type.Literal('trapped'), detail: Detail }),
  strict({ status: Type.Literal('fuel_exhausted') }),
  strict({ status: Type.Literal('memory_exceeded'), exitCode: Type.Optional(ExitCode) }),
  strict({ status: Type.Literal('output_exceeded'), detail: Detail, exitCode: Type.Optional(ExitCode) }),
  strict({ status: Type.Literal('not_loadable'), detail: Detail }),
  strict({ status: Type.Literal('faulted'), detail: Detail }),
])

const schema = Compile(
  Type.Union([
    strict({ type: Type.Literal('ready') }),
    strict({ type: Type.Literal('beat'), cpuMs: Milliseconds, rssPeakBytes: Bytes }),
    strict({ type: Type.Literal('log'), stream: Type.Union([Type.Literal('stdout'), Type.Literal('stderr')]) }),
    strict({ type: Type.Literal('log-full') }),
    strict({
      type: Type.Literal('state-changed'),
      version: Version,
      refusal: Type.Optional(Type.String({ maxLength: 300 })),
    }),
    strict({
      type: Type.Literal('state'),
      version: Version,
      fuel: Fuel,
      files: Type.Array(strict({ path: Type.String({ minLength: 1, maxLength: 1024 }), version: Version }), {
        maxItems: MAX_STATE_FILES,
      }),
      sizes: Type.Array(Bytes, { maxItems: MAX_STATE_FILES }),
    }),
    strict({
      type: Type.Literal('ended'),
      ending: Ending,
      exit: Type.String({ minLength: 1, maxLength: 200 }),
      fuel: Fuel,
      cpuMs: Milliseconds,
      peakMemoryBytes: Bytes,
      isReusable: Type.Boolean(),
      outputs: Type.Array(Type.String({ minLength: 1 }), { maxItems: 100_000 }),
      sizes: Type.Array(Bytes, { maxItems: 100_002 }),
    }),
    strict({ type: Type.Literal('piece') }),
  ]),
)

/** What a child said, or undefined when it is nothing a sound child would say. */
export function parseFromChild(message: unknown): FromChild | undefined {
  return schema.Check(message) ? message : undefined
}
