import { readdirSync, readFileSync } from 'node:fs'

/** Processes below one, as Linux knows them. */
export function descendants(pid: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const fields = statOf(Number(name))
    if (fields) parents.set(Number(name), Number(fields[1]))
  }
  const found: number[] = []
  const below = (parent: number) => {
    for (const [child, of] of parents) {
      if (of !== parent) continue
      found.push(child)
      below(child)
    }
  }
  below(pid)
  return found
}

/** Whether a process is there and no mere entry that waits for its parent. */
export function isAlive(pid: number): boolean {
  const state = statOf(pid)?.[0]
  return state !== undefined && state !== 'Z' && state !== 'X'
}

/** Clock ticks of 10 ms that processes have computed. */
export function cpuTicks(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = statOf(pid)
    return sum + Number(fields?.[11] ?? 0) + Number(fields?.[12] ?? 0)
  }, 0)
}

/** From the state on: proc(5), field 3. */
function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** Looks again and again until it holds; fails the test with `what` when it does not within `ms`. */
export async function until(what: string, holds: () => boolean, ms = 40_000): Promise<void> {
  const endsAt = performance.now() + ms
  while (!holds()) {
    if (performance.now() > endsAt) throw new Error(`waited in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
