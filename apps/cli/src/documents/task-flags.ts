import { basename } from 'node:path'
import { type Command, Option } from 'commander'
import type { JobDocument } from '@fog/contract'
import { checkJobDocument } from '@fog/sdk'
import { repeated, usageFault } from '../command.ts'

/** What `run` and `map` say of a job with options, turned into the same document that `submit` reads. */
export interface TaskFlags {
  readonly name?: string
  readonly in?: readonly string[]
  readonly stdin?: string
  readonly env?: readonly string[]
  readonly require?: readonly string[]
  readonly tier?: string
  readonly privacy?: string
  readonly routing?: string
  readonly cores?: string
  readonly memory?: string
  readonly disk?: string
  readonly wall?: string
  readonly fuel?: string
  readonly outputLimit?: string
  readonly budget?: string
  readonly verify?: string
  readonly retries?: string
}

export function addTaskOptions(command: Command): Command {
  return command
    .option('--name <name>', "the job's name (else the program's)")
    .addOption(repeated('--in <name=file>', 'a file the program finds at /in/NAME; several times'))
    .option('--stdin <file>', 'standard input of the program; - takes that of this command')
    .addOption(repeated('--env <key=value>', 'a variable for the program; several times'))
    .addOption(repeated('--require <label=value>', 'only nodes with this label; several times'))
    .addOption(new Option('--tier <tier>', 'how soon, and how dear').choices(['platinum', 'gold', 'silver', 'bronze']))
    .addOption(
      new Option('--privacy <level>', 'who may see it').choices(['public', 'private', 'confidential', 'secret']),
    )
    .addOption(
      new Option('--routing <strategy>', 'how nodes are chosen').choices([
        'round_robin',
        'least_loaded',
        'affinity_based',
        'proximity_based',
        'privacy_aware',
      ]),
    )
    .option('--cores <n>', 'cores a task may use (1)')
    .option('--memory <size>', 'memory it may use: 128, 512MiB, 1GiB (128 MiB)')
    .option('--disk <size>', 'room for its files (256 MiB)')
    .option('--wall <time>', 'how long it may run: 60, 90s, 5m, 1h (60 s)')
    .option('--fuel <n>', 'how many instructions it may run: 5000000000, 5e9')
    .option('--output-limit <size>', 'how much it may leave behind (64 MiB)')
    .option('--budget <tokens>', 'what the job may cost at most')
    .option('--verify <how>', 'auto, none, or how many results must agree: 2 to 5')
    .option('--retries <n>', 'how often a task whose node is lost runs again (4)')
}

/** The document. Throws `cli.usage` for what cannot be read, and `document.field_invalid` for what is out of bounds. */
export function documentOf(
  {
    program,
    args,
    each,
  }: { readonly program: string; readonly args: readonly string[]; readonly each?: JobDocument['each'] },
  flags: TaskFlags,
): JobDocument {
  const resources = withoutAbsent({
    cores: numberOf('--cores', flags.cores),
    memoryMiB: mebibytesOf('--memory', flags.memory),
    diskMiB: mebibytesOf('--disk', flags.disk),
    wallSeconds: secondsOf('--wall', flags.wall),
    fuel: numberOf('--fuel', flags.fuel),
    outputMiB: mebibytesOf('--output-limit', flags.outputLimit),
  })
  const document = withoutAbsent({
    name: flags.name ?? basename(program).replace(/\.wasm$/, ''),
    program: { kind: 'wasm', file: program },
    args: args.length > 0 ? [...args] : undefined,
    each,
    inputs: flags.in && Object.fromEntries(flags.in.map(inputOf)),
    stdin: flags.stdin,
    env: flags.env && pairsOf('--env', flags.env),
    require: flags.require && pairsOf('--require', flags.require),
    resources: Object.keys(resources).length > 0 ? resources : undefined,
    tier: flags.tier,
    privacy: flags.privacy,
    routing: flags.routing,
    budget: flags.budget,
    verify: verifyOf(flags.verify),
    retries: numberOf('--retries', flags.retries),
  })
  return checkJobDocument(document, 'the command line')
}

/** `name=file`, or a file under its own name. */
function inputOf(text: string): [path: string, file: string] {
  const at = text.indexOf('=')
  const name = at === -1 ? basename(text) : text.slice(0, at)
  const path = name.startsWith('/') ? name : `/in/${name}`
  return [path, at === -1 ? text : text.slice(at + 1)]
}

export function pairsOf(option: string, texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=')
      if (at < 1) throw usageFault(`${option} "${text}" has no = in it. Write it like ${option} key=value.`)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}

function numberOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value))
    throw usageFault(`${option} wants a number, and "${text}" is none.`)
  return value
}

const MEBIBYTES: Readonly<Record<string, number>> = { '': 1, m: 1, mb: 1, mib: 1, g: 1024, gb: 1024, gib: 1024 }

/** `512`, `512MiB`, `1GiB`, as mebibytes. */
export function mebibytesOf(option: string, text: string | undefined): number | undefined {
  return withUnit(text, MEBIBYTES, `${option} wants a size such as 512, 512MiB or 1GiB`)
}

const SECONDS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, min: 60, h: 3600 }

/** `90`, `90s`, `5m`, `1h`, as seconds. */
export function secondsOf(option: string, text: string | undefined): number | undefined {
  return withUnit(text, SECONDS, `${option} wants a time such as 90, 90s, 5m or 1h`)
}

function withUnit(
  text: string | undefined,
  units: Readonly<Record<string, number>>,
  wants: string,
): number | undefined {
  if (text === undefined) return undefined
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? []
  const size = unit === undefined ? undefined : units[unit.toLowerCase()]
  if (number === undefined || size === undefined) throw usageFault(`${wants}; "${text}" is none.`)
  return Number(number) * size
}

function verifyOf(text: string | undefined): JobDocument['verify'] {
  if (text === undefined || text === 'auto' || text === 'none') return text
  if (/^\d+$/.test(text)) return { quorum: Number(text) }
  throw usageFault(`--verify wants auto, none, or a number of results that must agree; "${text}" is none of them.`)
}

export interface EachFlags {
  readonly each?: string
  readonly range?: string
  readonly values?: string
}

/** What a job is mapped over. Throws `cli.usage` unless it is said in exactly one way. */
export function eachOf({ each, range, values }: EachFlags): NonNullable<JobDocument['each']> {
  const given = [each, range, values].filter((text) => text !== undefined)
  if (given.length !== 1)
    throw usageFault("Say what to map over with one of --each 'inputs/*', --range 0:100 and --values a,b,c.")
  if (each !== undefined) return { glob: each }
  if (values !== undefined) return { values: values.split(',') }
  const [, from, to] = /^(-?\d+):(-?\d+)$/.exec(range ?? '') ?? []
  if (from === undefined || to === undefined)
    throw usageFault(`--range wants two whole numbers such as 0:100; "${range}" is none.`)
  return { range: [Number(from), Number(to)] }
}

function withoutAbsent(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
