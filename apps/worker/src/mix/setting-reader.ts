import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { MixError, whyOf } from './mix-error.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** One setting: its name in a file, and in the environment, which wins. */
export type SettingName = readonly [inFile: string, inEnvironment: string]

/** Reads settings out of a file and the environment alike, and refuses what it does not understand. */
export class SettingReader {
  readonly #file: string | undefined
  readonly #values: ReadonlyMap<string, unknown>
  readonly #env: Environment
  readonly #asked = new Set<string>()

  constructor(env: Environment, file: string | undefined) {
    this.#env = env
    this.#file = file
    this.#values = file === undefined ? new Map() : readObject(file)
  }

  whole(name: SettingName, { min, max }: { readonly min: number; readonly max: number }): number | undefined {
    return this.#read(name, `a whole number from ${min} to ${max}`, (value) => {
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
      return typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max
        ? number
        : undefined
    })
  }

  flag(name: SettingName): boolean | undefined {
    return this.#read(name, 'on or off', (value) => {
      if (value === true || value === 'on' || value === 'true') return true
      return value === false || value === 'off' || value === 'false' ? false : undefined
    })
  }

  oneOf<const Choice extends string>(name: SettingName, choices: readonly Choice[]): Choice | undefined {
    return this.#read(name, `one of ${choices.join(', ')}`, (value) => choices.find((choice) => choice === value))
  }

  text(name: SettingName, pattern: RegExp, wants: string): string | undefined {
    return this.#read(name, wants, (value) => (typeof value === 'string' && pattern.test(value) ? value : undefined))
  }

  /** A list, or a text with commas. */
  texts(name: SettingName, isGood: (text: string) => boolean, wants: string): readonly string[] | undefined {
    return this.#read(name, wants, (value) => {
      const parts: readonly unknown[] =
        typeof value === 'string' ? value.split(',').map((part) => part.trim()) : listOf(value)
      const isList = parts.length > 0 && parts.every((part) => typeof part === 'string' && isGood(part))
      return isList ? (parts as readonly string[]) : undefined
    })
  }

  /** Refuses what nobody asked for: a misspelt name must not be passed over. Throws `mix.setting_unknown`. */
  finish(): void {
    const unknown = [...this.#values.keys()].find((key) => !this.#asked.has(key))
    if (unknown === undefined || this.#file === undefined) return
    const known = [...this.#asked].sort().join(', ')
    throw new MixError({ code: 'mix.setting_unknown', name: unknown, file: this.#file, known })
  }

  #read<T>(
    [inFile, inEnvironment]: SettingName,
    wants: string,
    parse: (value: unknown) => T | undefined,
  ): T | undefined {
    this.#asked.add(inFile)
    const text = this.#env[inEnvironment] || undefined
    const value = text ?? this.#values.get(inFile)
    if (value === undefined || value === null) return undefined
    const read = parse(value)
    if (read !== undefined) return read
    const name = text === undefined ? `${inFile} in ${this.#file}` : inEnvironment
    const shown = typeof value === 'string' ? value : JSON.stringify(value)
    throw new MixError({ code: 'mix.setting_invalid', name, text: shown.slice(0, 200), wants })
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : []
}

/** YAML of version 1.2 holds JSON, so one reader does for both. */
function readObject(file: string): ReadonlyMap<string, unknown> {
  const unreadable = (why: string, cause?: unknown) =>
    new MixError({ code: 'mix.config_unreadable', file, why }, { cause })
  let value: unknown
  try {
    value = parse(readFileSync(file, 'utf8'), { prettyErrors: true, maxAliasCount: 0 })
  } catch (fault) {
    throw unreadable(whyOf(fault).split('\n')[0] ?? '', fault)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unreadable('it is no object')
  return new Map(Object.entries(value))
}
