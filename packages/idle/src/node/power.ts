import { known, type Reading, type Signals, unknown } from '../signals.ts'
import { listNames, type Machine, readNumber, readText } from './machine.ts'

type Power = Pick<Signals, 'isPlugged' | 'batteryLevel' | 'batteryCelsius' | 'isBatterySaver'>

/** Mains and battery. A machine without a battery runs on the mains. */
export async function readPower(machine: Machine): Promise<Power> {
  if (machine.platform === 'linux') return linuxPower(machine)
  if (machine.platform === 'darwin') return darwinPower((await machine.ask('pmset', '-g', 'batt')) ?? '')
  return noPower(`not read on ${machine.platform}`)
}

function noPower(source: string): Power {
  const nobody = unknown(source)
  return { isPlugged: nobody, batteryLevel: nobody, batteryCelsius: nobody, isBatterySaver: nobody }
}

/** One folder of /sys/class/power_supply (the kernel's Documentation/ABI/testing/sysfs-class-power). */
interface Supply {
  readonly type: string
  readonly isOnline: boolean | undefined
  readonly status: string | undefined
  readonly level: number | undefined
  readonly celsius: number | undefined
}

const FOLDER = '/sys/class/power_supply'

function linuxPower(machine: Machine): Power {
  const names = listNames(machine.sys, 'class/power_supply')
  if (!names) return noPower(`there is no ${FOLDER}`)
  const supplies = names.flatMap((name) => readSupply(machine, name) ?? [])
  const batteries = supplies.filter(({ type }) => type === 'Battery')
  return {
    isPlugged: pluggedOf(supplies, batteries),
    batteryLevel: levelOf(batteries),
    batteryCelsius: celsiusOf(batteries),
    isBatterySaver: saverOf(machine),
  }
}

function readSupply({ sys }: Machine, name: string): Supply | undefined {
  const at = (file: string) => [sys, 'class/power_supply', name, file] as const
  // A mouse's or a headset's battery says nothing about the machine.
  if (readText(...at('scope')) === 'Device') return undefined
  const type = readText(...at('type'))
  if (!type) return undefined
  const online = readNumber(...at('online'))
  const tenths = readNumber(...at('temp'))
  return {
    type,
    isOnline: online === undefined ? undefined : online > 0,
    status: readText(...at('status')),
    level: levelIn((file) => readNumber(...at(file))),
    celsius: tenths === undefined ? undefined : tenths / 10,
  }
}

/** By energy or charge, which are finer than the whole per cent of `capacity`. */
function levelIn(read: (file: string) => number | undefined): number | undefined {
  for (const unit of ['energy', 'charge']) {
    const [now, full] = [read(`${unit}_now`), read(`${unit}_full`)]
    if (now !== undefined && full) return Math.min(1, now / full)
  }
  const capacity = read('capacity')
  return capacity === undefined ? undefined : Math.min(1, capacity / 100)
}

function pluggedOf(supplies: readonly Supply[], batteries: readonly Supply[]): Reading<boolean> {
  const mains = supplies.filter(({ type, isOnline }) => type !== 'Battery' && isOnline !== undefined)
  if (mains.some(({ isOnline }) => isOnline)) return known(true, FOLDER)
  if (batteries.length === 0) return known(true, `no battery in ${FOLDER}`)
  if (batteries.some(({ status }) => status === 'Discharging')) return known(false, FOLDER)
  if (mains.length > 0) return known(false, FOLDER)
  const charges = batteries.some(
    ({ status }) => status === 'Charging' || status === 'Full' || status === 'Not charging',
  )
  return charges ? known(true, FOLDER) : unknown(`${FOLDER} does not say`)
}

function levelOf(batteries: readonly Supply[]): Reading<number> {
  const levels = batteries.flatMap(({ level }) => level ?? [])
  if (levels.length === 0) return unknown(`no battery in ${FOLDER}`)
  return known(levels.reduce((sum, level) => sum + level, 0) / levels.length, FOLDER)
}

function celsiusOf(batteries: readonly Supply[]): Reading<number> {
  const degrees = batteries.flatMap(({ celsius }) => celsius ?? [])
  return degrees.length === 0 ? unknown('no battery says how warm it is') : known(Math.max(...degrees), FOLDER)
}

function saverOf({ sys }: Machine): Reading<boolean> {
  const profile = readText(sys, 'firmware/acpi/platform_profile')
  return profile ? known(profile === 'low-power', 'the platform profile') : unknown('there is no platform profile')
}

/** What `pmset -g batt` prints: "Now drawing from 'AC Power'", then a line a battery with its per cent. */
export function darwinPower(text: string): Power {
  const source = 'pmset'
  const drawsFrom = /drawing from '([^']+)'/.exec(text)?.[1]
  const level = /(\d+)%/.exec(text)?.[1]
  return {
    isPlugged: drawsFrom ? known(drawsFrom === 'AC Power', source) : unknown('pmset does not say'),
    batteryLevel: level ? known(Number(level) / 100, source) : unknown('pmset shows no battery'),
    batteryCelsius: unknown('not read on darwin'),
    isBatterySaver: unknown('not read on darwin'),
  }
}
