import { known, type Reading, unknown } from '../signals.ts'
import { listNames, type Machine, readNumber, readText } from './machine.ts'

/** Drivers under /sys/class/hwmon that measure the processor itself. */
const CPU_DRIVERS = new Set(['coretemp', 'k10temp', 'zenpower', 'cpu_thermal', 'scpi_sensors'])
/** Zones under /sys/class/thermal that do; `acpitz` is somewhere on the board, and better than nothing. */
const CPU_ZONE = /cpu|x86_pkg|core|soc|package/i
const BOARD_ZONE = /acpi/i

/** The hottest of what measures the processor. */
export function readCpuCelsius(machine: Machine): Reading<number> {
  if (machine.platform !== 'linux') return unknown(`not read on ${machine.platform}`)
  const zones = readZones(machine)
  const found =
    hottest(readDrivers(machine), '/sys/class/hwmon') ??
    hottest(degreesOf(zones, CPU_ZONE), '/sys/class/thermal') ??
    hottest(degreesOf(zones, BOARD_ZONE), '/sys/class/thermal (on the board)')
  return found ?? unknown('no sensor in /sys/class/thermal or /sys/class/hwmon')
}

interface Zone {
  readonly type: string
  readonly celsius: number
}

function readZones({ sys }: Machine): readonly Zone[] {
  const names = listNames(sys, 'class/thermal') ?? []
  return names.flatMap((name) => {
    const type = readText(sys, 'class/thermal', name, 'type')
    const milli = readNumber(sys, 'class/thermal', name, 'temp')
    return name.startsWith('thermal_zone') && type && milli !== undefined ? [{ type, celsius: milli / 1000 }] : []
  })
}

function readDrivers({ sys }: Machine): readonly number[] {
  const names = listNames(sys, 'class/hwmon') ?? []
  return names
    .filter((name) => CPU_DRIVERS.has(readText(sys, 'class/hwmon', name, 'name') ?? ''))
    .flatMap((name) => (listNames(sys, 'class/hwmon', name) ?? []).map((file) => [name, file] as const))
    .filter(([, file]) => /^temp\d+_input$/.test(file))
    .flatMap(([name, file]) => readNumber(sys, 'class/hwmon', name, file) ?? [])
    .map((milli) => milli / 1000)
}

function degreesOf(zones: readonly Zone[], type: RegExp): readonly number[] {
  return zones.filter((zone) => type.test(zone.type)).map(({ celsius }) => celsius)
}

/** Sensors that are off read 0, broken ones nonsense. */
function hottest(celsius: readonly number[], source: string): Reading<number> | undefined {
  const plausible = celsius.filter((degrees) => degrees > 0 && degrees < 150)
  return plausible.length > 0 ? known(Math.max(...plausible), source) : undefined
}
