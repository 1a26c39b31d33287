import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { rmdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Finding } from './finding.ts'

/**
 * Control groups (Linux cgroups(7)), version 2 or 1: the kernel's own limit on the memory and the processes of a child.
 *
 * They are used only where this process may really make one with both limits; nothing is assumed from what is mounted.
 */

/** Where groups are looked at; tests lay out their own. */
export interface CgroupPlaces {
  readonly root: string
  readonly self: string
}

const PLACES: CgroupPlaces = { root: '/sys/fs/cgroup', self: '/proc/self/cgroup' }
const PREFIX = 'fog-executor-'
/** Node has about a dozen threads, the wrappers one each. */
const MOST_TASKS = 64
/** A group can be removed once the last of its processes is gone, a moment after its first. */
const REMOVE_TRIES = 50
const REMOVE_PAUSE_MS = 100

/** Which file says what in each version. */
interface Dialect {
  /** The folder in which groups are made, for memory and for processes: the same one in version 2. */
  readonly memoryBase: string
  readonly tasksBase: string
  readonly memoryLimit: string
  readonly swapLimit: string
  /** Holds a line `oom_kill <n>`. */
  readonly events: string
}

export class Cgroups {
  readonly #dialect: Dialect
  #made = 0

  private constructor(dialect: Dialect) {
    this.#dialect = dialect
  }

  /** Tries to make a group with both limits, and says why not. */
  static probe(places: CgroupPlaces = PLACES): { readonly cgroups: Cgroups | undefined; readonly finding: Finding } {
    const why: string[] = []
    for (const find of [unified, legacy]) {
      try {
        const cgroups = new Cgroups(find(places))
        cgroups.#removeLeftOver()
        const group = cgroups.open()
        group.limitMemory(1024 * 1024 * 1024)
        void group.remove()
        return { cgroups, finding: { isUsed: true } }
      } catch (fault) {
        why.push(fault instanceof Error ? fault.message.slice(0, 150) : String(fault))
      }
    }
    return { cgroups: undefined, finding: { isUsed: false, why: why.join('; ') } }
  }

  /** A new group, empty and without a limit on memory yet. */
  open(): Cgroup {
    const name = `${PREFIX}${process.pid}-${this.#made++}`
    const { memoryBase, tasksBase } = this.#dialect
    const folders = [...new Set([join(memoryBase, name), join(tasksBase, name)])]
    folders.forEach((folder) => mkdirSync(folder))
    writeFileSync(join(tasksBase, name, 'pids.max'), String(MOST_TASKS))
    return new Cgroup(this.#dialect, folders)
  }

  /** Groups of workers that were killed. Those of one that lives are its own, empty or not. */
  #removeLeftOver(): void {
    for (const base of new Set([this.#dialect.memoryBase, this.#dialect.tasksBase])) {
      for (const name of readdirSync(base).filter(isLeftOver)) {
        try {
          rmdirSync(join(base, name))
        } catch {
          // Its last processes are still ending; the next start removes it.
        }
      }
    }
  }
}

function isLeftOver(name: string): boolean {
  const pid = new RegExp(`^${PREFIX}(\\d+)-\\d+$`).exec(name)?.[1]
  if (pid === undefined) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (fault) {
    return (fault as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

/** The group of one child. */
export class Cgroup {
  readonly #dialect: Dialect
  readonly #folders: readonly string[]
  #limitBytes = Infinity

  constructor(dialect: Dialect, folders: readonly string[]) {
    this.#dialect = dialect
    this.#folders = folders
  }

  /** Takes a process in; what it starts from now on is in it too. */
  add(pid: number): void {
    for (const folder of this.#folders) writeFileSync(join(folder, 'cgroup.procs'), String(pid))
  }

  /** The limit on memory and swap together may never be below that on memory, so the order is that of the change. */
  limitMemory(bytes: number): void {
    if (bytes === this.#limitBytes) return
    const isRaised = bytes > this.#limitBytes
    if (isRaised) this.#limitSwap(bytes)
    this.#write(this.#dialect.memoryLimit, bytes)
    if (!isRaised) this.#limitSwap(bytes)
    this.#limitBytes = bytes
  }

  #limitSwap(bytes: number): void {
    const { swapLimit } = this.#dialect
    try {
      this.#write(swapLimit, swapLimit === 'memory.swap.max' ? 0 : bytes)
    } catch {
      // A kernel without swap accounting has no such file; then there is mostly no swap to limit.
    }
  }

  #write(file: string, value: number): void {
    writeFileSync(join(this.#folders[0]!, file), String(value))
  }

  /** How often the kernel has killed in this group for want of memory. */
  get oomKills(): number {
    try {
      const text = readFileSync(join(this.#folders[0]!, this.#dialect.events), 'utf8')
      return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0)
    } catch {
      return 0
    }
  }

  /** Once its processes have ended. */
  async remove(): Promise<void> {
    for (const folder of this.#folders) {
      for (let n = 0; n < REMOVE_TRIES; n++) {
        const isGone = await rmdir(folder).then(
          () => true,
          (fault: NodeJS.ErrnoException) => fault.code === 'ENOENT',
        )
        if (isGone) break
        await wait(REMOVE_PAUSE_MS, undefined, { ref: false })
      }
    }
  }
}

/** Version 2: one tree, in which a group of ours must be allowed to hand both controllers down. */
function unified({ root, self }: CgroupPlaces): Dialect {
  const path = pathIn(self, /^0::(.*)$/m)
  const base = [join(root, path), join(root, 'unified', path)].find((folder) => has(folder, 'cgroup.controllers'))
  if (!base) throw new Error('cgroup version 2 is not mounted')
  const offered = read(base, 'cgroup.controllers').split(/\s+/)
  if (!offered.includes('memory') || !offered.includes('pids')) {
    throw new Error('cgroup version 2 does not offer memory and pids here')
  }
  handDown(base)
  const events = 'memory.events'
  return { memoryBase: base, tasksBase: base, memoryLimit: 'memory.max', swapLimit: 'memory.swap.max', events }
}

/** A group that has processes of its own cannot hand controllers down; alone in it, we step aside. */
function handDown(base: string): void {
  const handed = read(base, 'cgroup.subtree_control').split(/\s+/)
  if (handed.includes('memory') && handed.includes('pids')) return
  const here = read(base, 'cgroup.procs').trim().split(/\s+/)
  if (here.length === 1 && here[0] === String(process.pid)) {
    const aside = join(base, `${PREFIX}worker`)
    mkdirSync(aside, { recursive: true })
    writeFileSync(join(aside, 'cgroup.procs'), String(process.pid))
  }
  writeFileSync(join(base, 'cgroup.subtree_control'), '+memory +pids')
}

/** Version 1: a tree for each controller. */
function legacy({ root, self }: CgroupPlaces): Dialect {
  const memoryBase = join(root, 'memory', pathIn(self, /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m))
  const tasksBase = join(root, 'pids', pathIn(self, /^\d+:(?:[^:]*,)?pids(?:,[^:]*)?:(.*)$/m))
  const [memoryLimit, swapLimit] = ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes']
  return { memoryBase, tasksBase, memoryLimit, swapLimit, events: 'memory.oom_control' }
}

function pathIn(file: string, line: RegExp): string {
  const path = line.exec(readFileSync(file, 'utf8'))?.[1]
  if (path === undefined) throw new Error(`${basename(file)} names no such group`)
  return path
}

function has(folder: string, file: string): boolean {
  try {
    return readFileSync(join(folder, file)).length >= 0
  } catch {
    return false
  }
}

function read(folder: string, file: string): string {
  return readFileSync(join(folder, file), 'utf8')
}
