import type { Command, Option } from 'commander'

/** What can be completed at one place of the command line. */
export interface Place {
  /** The commands before it: empty at the start, `token create` in that command. */
  readonly path: string
  readonly commands: readonly Described[]
  readonly options: readonly CompletedOption[]
  /** Values an argument may have. */
  readonly argumentChoices: readonly string[]
}

export interface Described {
  readonly name: string
  readonly says: string
}

export interface CompletedOption {
  /** As it is typed: `--tier`, `-f`. */
  readonly flags: readonly string[]
  readonly says: string
  readonly takesValue: boolean
  readonly choices: readonly string[]
}

/** Every place of the program, its own first. */
export function placesOf(program: Command): Place[] {
  return placesBelow(program, '')
}

function placesBelow(command: Command, path: string): Place[] {
  const children = command.commands.filter((child) => !isHidden(child))
  const place: Place = {
    path,
    commands: children.map((child) => ({ name: child.name(), says: child.summary() })),
    options: [...command.options.filter(({ hidden }) => !hidden).map(optionOf), HELP],
    argumentChoices: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
  }
  const below = children.flatMap((child) => placesBelow(child, path === '' ? child.name() : `${path} ${child.name()}`))
  return [place, ...below]
}

const HELP: CompletedOption = { flags: ['--help', '-h'], says: 'show help', takesValue: false, choices: [] }

function optionOf({ long, short, description, required, optional, argChoices = [] }: Option): CompletedOption {
  const flags = [long, short].filter((flag) => flag !== undefined && flag !== null)
  return { flags, says: description, takesValue: required || optional, choices: argChoices }
}

/** commander keeps this to itself, but for its help. */
function isHidden(command: Command): boolean {
  return (command as unknown as { _hidden?: boolean })._hidden === true
}
