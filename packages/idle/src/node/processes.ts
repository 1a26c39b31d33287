import { listNames, type Machine, readText } from './machine.ts'

interface ProcessTimes {
  readonly parent: number
  /** Of itself and of its children that have ended, in clock ticks. */
  readonly ticks: number
}

/** The processes of a tree, its root first, as far as they are still there. */
export function treeOf(machine: Machine, root: number): readonly number[] {
  const found: number[] = []
  const next = [root]
  const children = childrenIn(machine)
  while (next.length > 0) {
    const pid = next.pop()!
    if (found.includes(pid)) continue
    found.push(pid)
    next.push(...children(pid))
  }
  return found
}

/** CPU time of a tree of processes in clock ticks, of those that ended too once their parent has noticed. */
export function ticksOf(machine: Machine, pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (timesOf(machine, pid)?.ticks ?? 0), 0)
}

/** Memory that processes hold, in bytes. What they share is counted for each. */
export function residentBytesOf(machine: Machine, pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(readText(machine.proc, String(pid), 'status') ?? '')?.[1]
    return sum + Number(kib ?? 0) * 1024
  }, 0)
}

/** By the kernel's own lists where it keeps them, else by looking at every process once. */
function childrenIn(machine: Machine): (pid: number) => readonly number[] {
  let byParent: Map<number, number[]> | undefined
  return (pid) => listedChildren(machine, pid) ?? (byParent ??= everyParent(machine)).get(pid) ?? []
}

function listedChildren({ proc }: Machine, pid: number): readonly number[] | undefined {
  const threads = listNames(proc, String(pid), 'task') ?? []
  const lists = threads.map((thread) => readText(proc, String(pid), 'task', thread, 'children'))
  if (lists.length === 0 || lists.includes(undefined)) return undefined
  return lists.flatMap((list) => (list ? list.split(/\s+/).map(Number) : []))
}

function everyParent(machine: Machine): Map<number, number[]> {
  const byParent = new Map<number, number[]>()
  for (const name of listNames(machine.proc) ?? []) {
    if (!/^\d+$/.test(name)) continue
    const parent = timesOf(machine, Number(name))?.parent
    if (parent === undefined) continue
    const siblings = byParent.get(parent)
    if (siblings) siblings.push(Number(name))
    else byParent.set(parent, [Number(name)])
  }
  return byParent
}

/** From /proc/[pid]/stat (proc(5)). The name in brackets may hold anything, brackets too. */
function timesOf({ proc }: Machine, pid: number): ProcessTimes | undefined {
  const text = readText(proc, String(pid), 'stat')
  if (!text) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const number = (field: number) => Number(fields[field - 3])
  // Fields 14 to 17: utime, stime, cutime, cstime.
  return { parent: number(4), ticks: number(14) + number(15) + number(16) + number(17) }
}
