import { cpus } from 'node:os'
import { known, type Reading, unknown } from '../signals.ts'
import { type Machine, readText } from './machine.ts'
import { ticksOf, treeOf } from './processes.ts'

/** CPU time since the machine started, in one unit for all three. */
interface CpuTimes {
  readonly total: number
  readonly busy: number
  readonly own: number
}

/** Says what share of all cores others took between two readings. */
export class CpuUse {
  readonly #machine: Machine
  readonly #ownPid: number
  #before: CpuTimes | undefined
  #last: Reading<number> = unknown('the first reading has nothing to compare with')

  constructor(machine: Machine, ownPid: number) {
    this.#machine = machine
    this.#ownPid = ownPid
  }

  async read(): Promise<Reading<number>> {
    const now = await this.#times()
    if (!now) return unknown(`the load of others cannot be told from ours on ${this.#machine.platform}`)
    const before = this.#before
    if (before && now.total <= before.total) return this.#last
    this.#before = now
    if (!before) return this.#last
    // A child that ended a moment ago is missing until its parent has noticed, so own time may seem to shrink.
    const own = Math.max(0, now.own - before.own)
    const others = (now.busy - before.busy - own) / (now.total - before.total)
    this.#last = known(Math.min(1, Math.max(0, others)), this.#source)
    return this.#last
  }

  get #source(): string {
    return this.#machine.platform === 'linux'
      ? '/proc/stat without our own processes'
      : 'the system without our own processes'
  }

  async #times(): Promise<CpuTimes | undefined> {
    if (this.#machine.platform === 'linux') return linuxTimes(this.#machine, this.#ownPid)
    if (this.#machine.platform === 'darwin') return darwinTimes(this.#machine, this.#ownPid)
    return undefined
  }
}

/** The first line of /proc/stat: user nice system idle iowait irq softirq steal. Stolen time is nobody's here. */
function linuxTimes(machine: Machine, ownPid: number): CpuTimes | undefined {
  const line = /^cpu +(.*)$/m.exec(readText(machine.proc, 'stat') ?? '')?.[1]
  if (!line) return undefined
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0] = line.split(' ').map(Number)
  const busy = user + nice + system + irq + softirq
  return { busy, total: busy + idle + iowait, own: ticksOf(machine, treeOf(machine, ownPid)) }
}

async function darwinTimes(machine: Machine, ownPid: number): Promise<CpuTimes | undefined> {
  const table = await machine.ask('ps', '-axo', 'pid=,ppid=,time=')
  if (table === undefined) return undefined
  let busy = 0
  let total = 0
  for (const { times } of cpus()) {
    const used = times.user + times.nice + times.sys + times.irq
    busy += used
    total += used + times.idle
  }
  return { busy, total, own: ownMsOf(table, ownPid) }
}

/** Milliseconds of a process and all below it, from lines of `pid ppid [hours:]minutes:seconds`. */
export function ownMsOf(table: string, ownPid: number): number {
  const rows = Array.from(table.matchAll(/^\s*(\d+)\s+(\d+)\s+(?:(\d+):)?(\d+):([\d.]+)\s*$/gm), (row) => ({
    pid: Number(row[1]),
    parent: Number(row[2]),
    ms: (Number(row[3] ?? 0) * 3600 + Number(row[4]) * 60 + Number(row[5])) * 1000,
  }))
  const ours = new Set([ownPid])
  for (let size = 0; size < ours.size;) {
    size = ours.size
    for (const { pid, parent } of rows) if (ours.has(parent)) ours.add(pid)
  }
  return rows.reduce((sum, { pid, ms }) => (ours.has(pid) ? sum + ms : sum), 0)
}
