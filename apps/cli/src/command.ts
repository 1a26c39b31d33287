import { type Command, InvalidArgumentError, Option } from 'commander'
import { CliError } from './cli-error.ts'
import { EXIT, exitCodeOf, Interrupted } from './exit-code.ts'
import { tellFault } from './faults.ts'
import { type CommonFlags, Invocation, type World } from './invocation.ts'

/** Carries commands out and remembers how the last one ended. */
export class Runner {
  readonly world: World
  /** The command line as it was given. */
  readonly args: readonly string[]
  exitCode: number = EXIT.ok
  /** Whether `--mixnet` was given. */
  mixnet = false

  constructor(world: World, args: readonly string[]) {
    this.world = world
    this.args = args
  }

  /** Runs `work`; what it answers, or what its fault means, is the exit code. */
  async run(
    flags: CommonFlags,
    work: (it: Invocation) => Promise<number | void>,
    codeOf: (fault: unknown) => number = exitCodeOf,
  ): Promise<void> {
    const it = new Invocation(this.world, flags, this.mixnet)
    try {
      this.exitCode = (await work(it)) ?? EXIT.ok
    } catch (fault) {
      this.exitCode = codeOf(fault)
      await sayFault(it, fault)
    } finally {
      await it.close()
    }
  }
}

async function sayFault(it: Invocation, fault: unknown): Promise<void> {
  const told = tellFault(fault)
  const { detail, requestId } = told
  const isOurs = requestId !== undefined && told.code === 'http.internal'
  await it.note(`fog: ${detail}${isOurs ? ` (request ${requestId})` : ''}`)
  if (it.json && !(fault instanceof Interrupted)) await it.showNext({ error: told }, () => '')
  if (it.config.debug && fault instanceof Error) await it.note(fault.stack ?? '')
}

export interface CommandText {
  /** As commander writes it: `get <job> [folder]`. */
  readonly usage: string
  readonly summary: string
  /** What a person should know beyond the options. */
  readonly more?: string
  readonly examples: readonly (readonly [line: string, meaning: string])[]
}

/** A command with its help. `server` says whether it talks to a fog, and so has --url and --token. */
export function addCommand(
  parent: Command,
  { usage, summary, more, examples }: CommandText,
  { server = true }: { readonly server?: boolean } = {},
): Command {
  const command = parent
    .command(usage)
    .summary(summary)
    .description(more ? `${summary}.\n\n${more}` : `${summary}.`)
  command.option('--json', 'print one JSON document on standard output and nothing else')
  if (server) {
    command.option('--url <address>', 'the fog to talk to (else FOG_URL, your last log-in, the fog of this machine)')
    command.option('--token <token>', 'an API token for it (else FOG_TOKEN, your log-in)')
  }
  return command.addHelpText('after', `\nExamples:\n${exampleLines(examples)}\n`)
}

/** A command that only holds others. */
export function addGroup(parent: Command, { usage, summary, examples }: CommandText): Command {
  return parent
    .command(usage)
    .summary(summary)
    .description(`${summary}.`)
    .addHelpText('after', `\nExamples:\n${exampleLines(examples)}\n`)
}

function exampleLines(examples: CommandText['examples']): string {
  const width = Math.min(52, Math.max(...examples.map(([line]) => line.length)))
  return examples.map(([line, meaning]) => `  ${line.padEnd(width)}  ${meaning}`).join('\n')
}

/** An option that may be given several times. */
export function repeated(flags: string, description: string): Option {
  return new Option(flags, description).argParser<string[]>((value, before) => [...(before ?? []), value])
}

/** An option with a whole number from `min` to `max`. */
export function wholeNumber(flags: string, description: string, { min, max }: { min: number; max: number }): Option {
  return new Option(flags, description).argParser((text) => {
    const value = Number(text)
    if (text.trim() !== '' && Number.isInteger(value) && value >= min && value <= max) return value
    throw new InvalidArgumentError(`It wants a whole number from ${min} to ${max}.`)
  })
}

export function usageFault(why: string): CliError {
  return new CliError({ code: 'cli.usage', why })
}
