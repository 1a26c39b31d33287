import type { Clock, Instant } from '@fog/kernel'
import { known, type LocalTime, type NetworkUse, type Reading, type Signals, unknown } from '../signals.ts'
import { CpuUse } from './cpu-use.ts'
import type { Machine } from './machine.ts'
import { readMemoryFree } from './memory.ts'
import { readPower } from './power.ts'
import { residentBytesOf, treeOf } from './processes.ts'
import { readCpuCelsius } from './temperature.ts'
import { readUserIdle } from './user-idle.ts'

export interface SensorsDependencies {
  readonly clock: Clock
  readonly machine: Machine
}

export interface SensorsOptions {
  /** The process whose tree is ours: what it and its children use is not "others". */
  readonly ownPid: number
}

/** What only the worker itself knows. */
export type OwnSignals = Pick<Signals, 'tasks' | 'snoozedUntil'>

/** A network does not become metered from one second to the next. */
const NETWORK_EVERY_MS = 30_000

/** Reads the device's signals, about once a second; a few milliseconds each time. */
export class Sensors {
  readonly #clock: Clock
  readonly #machine: Machine
  readonly #ownPid: number
  readonly #cpu: CpuUse
  #network: { readonly reading: Reading<NetworkUse>; readonly readAt: Instant } | undefined

  constructor({ clock, machine }: SensorsDependencies, { ownPid }: SensorsOptions) {
    this.#clock = clock
    this.#machine = machine
    this.#ownPid = ownPid
    this.#cpu = new CpuUse(machine, ownPid)
  }

  async read(own: OwnSignals): Promise<Signals> {
    const machine = this.#machine
    const now = this.#clock.now()
    const [otherCpu, power, userIdleMs, network] = await Promise.all([
      this.#cpu.read(),
      readPower(machine),
      readUserIdle(machine, now),
      this.#readNetwork(now),
    ])
    return {
      ...own,
      ...power,
      otherCpu,
      userIdleMs,
      network,
      cpuCelsius: readCpuCelsius(machine),
      thermalPressure: unknown(`not read on ${machine.platform}`),
      memoryFree: readMemoryFree(machine),
      ownMemoryBytes: this.#ownMemory(),
      isFullScreen: unknown(`not read on ${machine.platform}`),
      localTime: known(localTimeOf(now), 'the system clock'),
    }
  }

  #ownMemory(): Reading<number> {
    const machine = this.#machine
    if (machine.platform !== 'linux') return unknown(`not read on ${machine.platform}`)
    return known(residentBytesOf(machine, treeOf(machine, this.#ownPid)), '/proc')
  }

  async #readNetwork(now: Instant): Promise<Reading<NetworkUse>> {
    const last = this.#network
    if (last && now - last.readAt < NETWORK_EVERY_MS) return last.reading
    const reading = await readNetwork(this.#machine)
    this.#network = { reading, readAt: now }
    return reading
  }
}

/** Whether the network is paid by volume, where NetworkManager knows; anybody else would only guess. */
async function readNetwork(machine: Machine): Promise<Reading<NetworkUse>> {
  const answer =
    machine.platform === 'linux'
      ? await machine.ask('nmcli', '-t', '-f', 'GENERAL.METERED', 'device', 'show')
      : undefined
  const known = Array.from((answer ?? '').matchAll(/^GENERAL\.METERED:(yes|no)/gm), (match) => match[1])
  if (known.length === 0) return unknown('NetworkManager does not say')
  return { value: known.includes('yes') ? 'metered' : 'free', source: 'NetworkManager' }
}

function localTimeOf(now: Instant): LocalTime {
  const date = new Date(now)
  return { weekday: date.getDay(), minute: date.getHours() * 60 + date.getMinutes() }
}
